//! A database that cannot be used for a while.

use std::{sync::Arc, time::Duration};

use taskbox_executor::{Error, RetryPolicy, TaskContext};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use tokio::sync::{Notify, mpsc};

use crate::support::{builder, connect, connect_hasty, ended, get, ready, until};

taskbox_test_support::suite! {
    both: [
        an_executor_waits_for_its_database_to_begin,
        ends_are_written_when_the_database_is_back,
        tasks_are_claimed_when_the_database_is_back,
        a_stop_says_what_could_not_be_written,
    ],
    postgres: [connections_that_are_killed_are_made_anew],
}

async fn an_executor_waits_for_its_database_to_begin(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("a")).await;
    db.execute("ALTER TABLE task_workers RENAME TO away").await;
    let executor = builder(&dal).task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    while dal.worker().register("somebody").await.is_ok() {}
    db.execute("ALTER TABLE away RENAME TO task_workers").await;
    until(&dal, task, TaskStatus::Completed).await;
    executor.stop().await.unwrap();
}

async fn ends_are_written_when_the_database_is_back(db: &TestDatabase) {
    let dal = connect(db).await;
    let completes = ready(&dal, NewTaskExecution::standalone("a")).await;
    let fails = ready(&dal, NewTaskExecution::standalone("a").max_attempts(1)).await;
    let (said, mut hears) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let gone = Arc::clone(&go);
    let executor = builder(&dal).task("a", async move |ctx: TaskContext, (): ()| {
        said.send("begun")?;
        gone.notified().await;
        said.send("ended")?;
        if ctx.task_execution_id() == fails {
            "no number".parse::<i32>()?;
        }
        Ok(())
    });
    let executor = executor.build().unwrap().start();
    for _ in 0..2 {
        assert_eq!(hears.recv().await, Some("begun"));
    }
    db.execute("ALTER TABLE task_claims RENAME TO away").await;
    for _ in 0..2 {
        go.notify_one();
        assert_eq!(hears.recv().await, Some("ended"));
    }
    db.execute("ALTER TABLE away RENAME TO task_claims").await;
    until(&dal, completes, TaskStatus::Completed).await;
    let found = until(&dal, fails, TaskStatus::Failed).await;
    assert_eq!((found.attempt, found.recoveries), (1, 0));
    executor.stop().await.unwrap();
}

async fn tasks_are_claimed_when_the_database_is_back(db: &TestDatabase) {
    let dal = connect(db).await;
    let executor = builder(&dal).task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    let first = ready(&dal, NewTaskExecution::standalone("a")).await;
    until(&dal, first, TaskStatus::Completed).await;
    let second = ready(&dal, NewTaskExecution::standalone("b")).await;
    let third = NewTaskExecution::standalone("a");
    db.execute("ALTER TABLE task_claims RENAME TO away").await;
    let third = ready(&dal, third).await;
    assert!(dal.task_execution().cancel(second).await.is_err());
    db.execute("ALTER TABLE away RENAME TO task_claims").await;
    until(&dal, third, TaskStatus::Completed).await;
    executor.stop().await.unwrap();
}

async fn connections_that_are_killed_are_made_anew(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = vec![NewTaskExecution::standalone("a").max_attempts(1_000); 300];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let ids: Vec<_> = made.iter().map(|task| task.id).collect();
    assert_eq!(
        dal.task_execution()
            .mark_ready_many(&ids)
            .await
            .unwrap()
            .moved
            .len(),
        300
    );
    let own = connect(db).await;
    let executor = builder(&own)
        .retry(RetryPolicy::constant(Duration::from_millis(10)))
        .concurrency(2)
        .task("a", async |ctx: TaskContext, (): ()| {
            ctx.complete_in(async |_tx| Ok(())).await
        });
    let executor = executor.build().unwrap().start();
    for _ in 0..200 {
        db.query_text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
             ORDER BY random() LIMIT 1",
        )
        .await;
    }
    for task in ids {
        assert_eq!(ended(&dal, task).await.status, TaskStatus::Completed);
    }
    executor.stop().await.unwrap();
}

async fn a_stop_says_what_could_not_be_written(db: &TestDatabase) {
    let dal = connect_hasty(db, Duration::from_secs(1)).await;
    let task = ready(&dal, NewTaskExecution::standalone("a")).await;
    let (begun, mut has_begun) = mpsc::channel(1);
    let go = Arc::new(Notify::new());
    let gone = Arc::clone(&go);
    let executor = builder(&dal).task("a", async move |_ctx, (): ()| {
        begun.send(()).await?;
        gone.notified().await;
        Ok(())
    });
    let executor = executor.build().unwrap().start();
    has_begun.recv().await.unwrap();
    db.execute("ALTER TABLE task_claims RENAME TO away").await;
    go.notify_one();
    let stopped = executor.stop().await;
    assert!(
        matches!(stopped, Err(Error::Unwritten { .. })),
        "{stopped:?}"
    );
    db.execute("ALTER TABLE away RENAME TO task_claims").await;
    assert_eq!(get(&dal, task).await.status, TaskStatus::Running);
}
