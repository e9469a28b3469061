//! Many tasks, and several executors.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use taskbox_dal::DAL;
use taskbox_executor::{ExecutorHandle, Pipeline};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::support::{NEVER, builder, connect, get, ready, until};

taskbox_test_support::suite! {
    several_executors_run_every_task_once,
    no_more_attempts_run_than_there_are_slots,
    a_queue_has_its_limit_and_leaves_the_others_theirs,
    queues_that_are_not_named_are_left_to_others,
    a_scheduled_task_runs_when_it_is_due,
    a_task_that_another_released_is_not_waited_for,
}

async fn many(dal: &DAL, new: NewTaskExecution, number: usize) -> Vec<Uuid> {
    let made = dal
        .task_execution()
        .create_many(vec![new; number])
        .await
        .unwrap();
    let ids: Vec<_> = made.iter().map(|task| task.id).collect();
    let moved = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    assert_eq!(moved.moved.len(), number);
    ids
}

async fn several_executors_run_every_task_once(db: &TestDatabase) {
    let runs = Arc::new(AtomicUsize::new(0));
    let dal = connect(db).await;
    let tasks = many(&dal, NewTaskExecution::standalone("count"), 500).await;
    let mut executors: Vec<ExecutorHandle> = Vec::new();
    for _ in 0..4 {
        let runs = Arc::clone(&runs);
        let own = connect(db).await;
        let executor = builder(&own)
            .concurrency(8)
            .task("count", async move |_ctx, (): ()| {
                runs.fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
        executors.push(executor.build().unwrap().start());
    }
    for task in tasks {
        let found = until(&dal, task, TaskStatus::Completed).await;
        assert_eq!((found.attempt, found.epoch), (1, 1));
    }
    for executor in executors {
        executor.stop().await.unwrap();
    }
    assert_eq!(runs.load(Ordering::Relaxed), 500);
    assert_eq!(db.query_i64("SELECT count(*) FROM task_workers").await, 0);
}

/// How many attempts ran at once at the most.
#[derive(Default)]
struct Peak {
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Peak {
    async fn around<T>(&self, work: impl Future<Output = T>) {
        let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(running, Ordering::Relaxed);
        work.await;
        self.running.fetch_sub(1, Ordering::Relaxed);
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

async fn no_more_attempts_run_than_there_are_slots(db: &TestDatabase) {
    let dal = connect(db).await;
    let tasks = many(&dal, NewTaskExecution::standalone("wait"), 12).await;
    let (peak, together) = (Arc::new(Peak::default()), Arc::new(Barrier::new(3)));
    let seen = Arc::clone(&peak);
    let executor = builder(&dal)
        .concurrency(3)
        .task("wait", async move |_ctx, (): ()| {
            peak.around(together.wait()).await;
            Ok(())
        });
    let executor = executor.build().unwrap().start();
    for task in tasks {
        until(&dal, task, TaskStatus::Completed).await;
    }
    assert_eq!(seen.most(), 3);
    executor.stop().await.unwrap();
}

/// As many run together as each queue may.
async fn a_queue_has_its_limit_and_leaves_the_others_theirs(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut tasks = Vec::new();
    for queue in ["one", "two", "two"] {
        let new = NewTaskExecution::standalone("wait")
            .queue(queue)
            .input(queue);
        tasks.extend(many(&dal, new, 4).await);
    }
    let (one, two) = (Arc::new(Peak::default()), Arc::new(Peak::default()));
    let (seen_one, seen_two) = (Arc::clone(&one), Arc::clone(&two));
    let together = Arc::new(Barrier::new(3));
    let executor = builder(&dal).queue("one", 1).queue("two", 2);
    let executor = executor.task("wait", async move |_ctx, queue: String| {
        let peak = if queue == "one" { one } else { two };
        peak.around(together.wait()).await;
        Ok(())
    });
    let executor = executor.build().unwrap().start();
    for task in tasks {
        until(&dal, task, TaskStatus::Completed).await;
    }
    assert_eq!((seen_one.most(), seen_two.most()), (1, 2));
    executor.stop().await.unwrap();
}

async fn queues_that_are_not_named_are_left_to_others(db: &TestDatabase) {
    let dal = connect(db).await;
    let other = ready(&dal, NewTaskExecution::standalone("a")).await;
    let mail = ready(&dal, NewTaskExecution::standalone("a").queue("mail")).await;
    let executor = builder(&dal)
        .queue("mail", 9)
        .task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    until(&dal, mail, TaskStatus::Completed).await;
    assert_eq!(get(&dal, other).await.epoch, 0);
    executor.stop().await.unwrap();
}

async fn a_scheduled_task_runs_when_it_is_due(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewTaskExecution::standalone("a");
    let task = dal.task_execution().create(new).await.unwrap().id;
    let delay = Duration::from_millis(300);
    dal.task_execution().schedule(task, delay).await.unwrap();
    let executor = builder(&dal)
        .poll_interval(NEVER)
        .task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    until(&dal, task, TaskStatus::Completed).await;
    executor.stop().await.unwrap();
}

async fn a_task_that_another_released_is_not_waited_for(db: &TestDatabase) {
    let dal = connect(db).await;
    let executor = builder(&dal)
        .poll_interval(NEVER)
        .task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    let mut pipeline = Pipeline::new("chain").task("a", ()).named("0");
    for number in 1..20 {
        let before = (number - 1).to_string();
        pipeline = pipeline
            .task("a", ())
            .named(number.to_string())
            .after([before.as_str()]);
    }
    let started = pipeline.start(&dal).await.unwrap();
    until(&dal, started.tasks["19"], TaskStatus::Completed).await;
    executor.stop().await.unwrap();
}
