//! Many tasks, and several executors.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use taskbox_dal::DAL;
use taskbox_executor::{ExecutorHandle, Pipeline, TaskContext};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use tokio::sync::{Barrier, Semaphore, mpsc};
use uuid::Uuid;

use crate::support::{NEVER, builder, connect, ended, get, ready, until};

taskbox_test_support::suite! {
    several_executors_run_every_task_once,
    no_more_attempts_run_than_there_are_slots,
    a_queue_has_its_limit_and_leaves_the_others_theirs,
    queues_that_are_not_named_are_left_to_others,
    a_scheduled_task_runs_when_it_is_due,
    an_executor_that_is_woken_does_not_wait_for_its_poll,
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

/// Attempts that wait for the test, and say that they do.
fn gate() -> (
    Arc<Semaphore>,
    mpsc::UnboundedSender<String>,
    mpsc::UnboundedReceiver<String>,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Arc::new(Semaphore::new(0)), sender, receiver)
}

async fn wait_at(gate: Arc<Semaphore>, ctx: TaskContext, said: mpsc::UnboundedSender<String>) {
    said.send(ctx.task_name().to_owned()).unwrap();
    gate.acquire().await.unwrap().forget();
}

async fn no_more_attempts_run_than_there_are_slots(db: &TestDatabase) {
    let dal = connect(db).await;
    let tasks = many(&dal, NewTaskExecution::standalone("wait"), 12).await;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, together) = (Arc::clone(&most), Arc::new(Barrier::new(3)));
    let executor = builder(&dal)
        .concurrency(3)
        .task("wait", async move |_ctx, (): ()| {
            seen.fetch_max(
                running.fetch_add(1, Ordering::Relaxed) + 1,
                Ordering::Relaxed,
            );
            together.wait().await;
            running.fetch_sub(1, Ordering::Relaxed);
            Ok(())
        });
    let executor = executor.build().unwrap().start();
    for task in tasks {
        until(&dal, task, TaskStatus::Completed).await;
    }
    assert_eq!(most.load(Ordering::Relaxed), 3);
    executor.stop().await.unwrap();
}

async fn a_queue_has_its_limit_and_leaves_the_others_theirs(db: &TestDatabase) {
    let dal = connect(db).await;
    let mails = many(&dal, NewTaskExecution::standalone("mail").queue("mail"), 3).await;
    let videos = many(
        &dal,
        NewTaskExecution::standalone("video").queue("video"),
        3,
    )
    .await;
    let (gate, said, mut begun) = gate();
    let (open, as_video, video_said) = (Arc::clone(&gate), Arc::clone(&gate), said.clone());
    let executor = builder(&dal)
        .queue("mail", 1)
        .queue("video", 2)
        .task("mail", async move |ctx, (): ()| {
            wait_at(gate, ctx, said).await;
            Ok(())
        })
        .task("video", async move |ctx, (): ()| {
            wait_at(as_video, ctx, video_said).await;
            Ok(())
        });
    let executor = executor.build().unwrap().start();
    let mut first = vec![];
    for _ in 0..3 {
        first.push(begun.recv().await.unwrap());
    }
    first.sort_unstable();
    assert_eq!(first, ["mail", "video", "video"]);
    open.add_permits(6);
    for task in mails.into_iter().chain(videos) {
        until(&dal, task, TaskStatus::Completed).await;
    }
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

async fn an_executor_that_is_woken_does_not_wait_for_its_poll(db: &TestDatabase) {
    let dal = connect(db).await;
    let executor = Arc::new(builder(&dal).poll_interval(NEVER));
    let executor = Arc::into_inner(executor)
        .unwrap()
        .task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    let waker = executor.waker();
    for _ in 0..30 {
        let task = ready(&dal, NewTaskExecution::standalone("a")).await;
        waker.wake();
        ended(&dal, task).await;
    }
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
    executor.wake();
    until(&dal, started.tasks["19"], TaskStatus::Completed).await;
    executor.stop().await.unwrap();
}
