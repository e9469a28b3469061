//! Executors as processes of their own, which are frozen, and told to stop.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use taskbox_dal::DAL;
use taskbox_executor::{Executor, TaskContext, TaskError};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};
use uuid::Uuid;

use crate::support::{
    NEVER, builder, connect, connect_hasty, events, get, ledger, process::Process, ready, until,
};

taskbox_test_support::suite! {
    an_executor_that_was_frozen_past_its_lease_changes_nothing,
    a_signal_to_stop_ends_the_process_and_gives_its_tasks_back,
}

const PROCESS: &str = "signals::is_run_as_a_process";

/// What each process does: runs tasks until it is told to stop.
#[test]
#[ignore = "is run by the tests of this file, as a process of its own"]
fn is_run_as_a_process() {
    let Some(url) = Process::url() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let dal = DAL::builder(url).lease(Duration::from_secs(1));
        let executor = Executor::builder(dal.connect().await.unwrap())
            .poll_interval(Duration::from_millis(20))
            .grace_period(Duration::ZERO)
            .task("pay", pay_when_told)
            .task("wait", async |ctx: TaskContext, (): ()| {
                ctx.cancellation().cancelled().await;
                Err::<(), _>(TaskError::retry("interrupted"))
            });
        let mut terminate = signal(SignalKind::terminate()).unwrap();
        let shutdown = async { assert!(terminate.recv().await.is_some()) };
        executor.build().unwrap().run_until(shutdown).await.unwrap();
    });
}

/// Says that it is connected, pays once it is told to, and says that it tried: each by a task that is skipped. Not even its
/// executor can keep it from that, nor a clock that went on while it was frozen.
async fn pay_when_told(ctx: TaskContext, tasks: [Uuid; 3]) -> Result<(), TaskError> {
    let [connected, told, tried] = tasks;
    let paying = tokio::spawn(async move {
        let dal = DAL::builder(Process::url().unwrap())
            .acquire_timeout(NEVER)
            .deadline(NEVER);
        let dal = dal.connect().await?;
        dal.task_execution().skip(connected, "is connected").await?;
        while get(&dal, told).await.status != TaskStatus::Skipped {}
        let paid = pay(&ctx).await;
        dal.task_execution().skip(tried, "has tried").await?;
        paid
    });
    paying.await?
}

async fn pay(ctx: &TaskContext) -> Result<(), TaskError> {
    ctx.complete_in(async |tx| Ok(ledger::enter(tx, ctx).await?))
        .await
}

async fn an_executor_that_was_frozen_past_its_lease_changes_nothing(db: &TestDatabase) {
    ledger::create(db).await;
    let dal = connect(db).await;
    let [connected, told, tried] = [
        waiting(&dal).await,
        waiting(&dal).await,
        waiting(&dal).await,
    ];
    let new = NewTaskExecution::standalone("pay").input(json!([connected, told, tried]));
    let task = ready(&dal, new).await;
    let process = Process::start(db, PROCESS);
    until(&dal, connected, TaskStatus::Skipped).await;
    freeze_between_transactions(db, &process).await;

    let go = Arc::new(Notify::new());
    let gone = Arc::clone(&go);
    let own = connect_hasty(db, Duration::from_secs(1)).await;
    let other = builder(&own).task("pay", async move |ctx: TaskContext, _: Value| {
        gone.notified().await;
        pay(&ctx).await
    });
    let other = other.build().unwrap().start();
    while get(&dal, task).await.epoch < 2 {}

    dal.task_execution().skip(told, "now").await.unwrap();
    process.thaw();
    until(&dal, tried, TaskStatus::Skipped).await;
    assert_eq!(ledger::rows(db).await, 0);
    go.notify_one();
    let paid = until(&dal, task, TaskStatus::Completed).await;
    assert_eq!((paid.epoch, paid.recoveries), (2, 1));
    other.stop().await.unwrap();
    assert_eq!(ledger::rows(db).await, 1);
}

async fn waiting(dal: &DAL) -> Uuid {
    let new = NewTaskExecution::standalone("waits");
    dal.task_execution().create(new).await.unwrap().id
}

/// In a transaction it would hold up all others, as long as it is frozen on `SQLite` and for a minute on Postgres.
async fn freeze_between_transactions(db: &TestDatabase, process: &Process) {
    loop {
        process.freeze();
        let is_between = match db.backend() {
            Backend::Postgres => {
                let open = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
                db.query_i64(open).await == 0
            }
            Backend::Sqlite => {
                let begin = "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK";
                db.try_execute(begin).await.is_ok()
            }
        };
        if is_between {
            return;
        }
        process.thaw();
    }
}

async fn a_signal_to_stop_ends_the_process_and_gives_its_tasks_back(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let process = Process::start(db, PROCESS);
    until(&dal, task, TaskStatus::Running).await;
    process.terminate();
    assert!(process.wait().success());
    let given_back = get(&dal, task).await;
    assert_eq!(
        (given_back.status, given_back.attempt),
        (TaskStatus::Ready, 0)
    );
    assert_eq!(
        events(&dal, task).await,
        [
            "task_created",
            "task_marked_ready",
            "task_claimed",
            "task_released"
        ]
    );
    assert_eq!(db.query_i64("SELECT count(*) FROM task_workers").await, 0);
}
