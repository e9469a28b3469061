//! Executors as processes of their own, which are killed in the middle of everything.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_executor::{Executor, Pipeline, RetryPolicy, TaskContext, TaskError};
use taskbox_models::{NewTaskExecution, PipelineStatus, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{connect, ended, ledger, process::Process};

taskbox_test_support::suite! { executors_that_are_killed_lose_nothing_and_repeat_nothing }

const PROCESS: &str = "processes::is_run_as_a_process";
const PIPELINES: usize = 40;
const TASKS: i64 = 40 * 4 + 100;
const KILLS: i64 = 12;

/// What each process does: runs tasks until it is killed. Every other attempt fails.
#[test]
#[ignore = "is run by the test of this file, as a process of its own"]
fn is_run_as_a_process() {
    let Some(url) = Process::url() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let dal = DAL::builder(url)
            .lease(Duration::from_secs(1))
            .max_recoveries(1_000);
        let executor = Executor::builder(dal.connect().await.unwrap())
            .poll_interval(Duration::from_millis(20))
            .concurrency(4)
            .retry(RetryPolicy::constant(Duration::from_millis(10)))
            .task("pay", async |ctx: TaskContext, (): ()| {
                if ctx.epoch() % 2 == 1 {
                    return Err(TaskError::retry("not yet"));
                }
                let paid = ctx.complete_in(async |tx| Ok(ledger::enter(tx, &ctx).await?));
                paid.await
            });
        executor
            .build()
            .unwrap()
            .run_until(std::future::pending())
            .await
            .unwrap();
    });
}

fn diamond() -> Pipeline {
    let task = |pipeline: Pipeline, name| pipeline.task("pay", ()).named(name).max_attempts(1_000);
    let pipeline = task(Pipeline::new("diamond"), "top");
    let pipeline = task(pipeline, "left").after(["top"]);
    let pipeline = task(pipeline, "right").after(["top"]);
    task(pipeline, "bottom").after(["left", "right"])
}

/// All tasks, and the pipelines of some.
async fn make(dal: &DAL) -> (Vec<Uuid>, Vec<Uuid>) {
    let new = NewTaskExecution::standalone("pay").max_attempts(1_000);
    let made = dal
        .task_execution()
        .create_many(vec![new; 100])
        .await
        .unwrap();
    let mut tasks: Vec<_> = made.iter().map(|task| task.id).collect();
    assert_eq!(
        dal.task_execution()
            .mark_ready_many(&tasks)
            .await
            .unwrap()
            .moved
            .len(),
        100
    );
    let mut pipelines = Vec::new();
    for _ in 0..PIPELINES {
        let started = diamond().start(dal).await.unwrap();
        pipelines.push(started.pipeline_execution_id);
        tasks.extend(started.tasks.into_values());
    }
    (tasks, pipelines)
}

async fn executors_that_are_killed_lose_nothing_and_repeat_nothing(db: &TestDatabase) {
    ledger::create(db).await;
    let dal = connect(db).await;
    let (tasks, pipelines) = make(&dal).await;
    let mut processes: Vec<_> = (0..3).map(|_| Process::start(db, PROCESS)).collect();
    for kill in 1..=KILLS {
        while ledger::rows(db).await < kill * (TASKS - 20) / KILLS {}
        drop(processes.remove(0));
        processes.push(Process::start(db, PROCESS));
    }
    for task in tasks {
        assert_eq!(ended(&dal, task).await.status, TaskStatus::Completed);
    }
    drop(processes);
    for pipeline in pipelines {
        let found = dal.pipeline_execution().get(pipeline).await.unwrap();
        assert_eq!(found.status, PipelineStatus::Completed);
    }
    assert_eq!(
        (ledger::rows(db).await, ledger::tasks(db).await),
        (TASKS, TASKS)
    );
    let recovered = "SELECT count(*) FROM execution_events WHERE event_type = 'task_recovered'";
    assert!(
        db.query_i64(recovered).await > 0,
        "no process was killed with a task in hand"
    );
}
