//! How an executor that has nothing to do hears that there is something.

use std::{sync::Arc, time::Duration};

use diesel_async::{
    AsyncConnection, AsyncPgConnection, TransactionManager,
    pooled_connection::{AsyncDieselConnectionManager, deadpool::Pool},
};
use taskbox_dal::{AsyncSqliteConnection, DAL, Tx};
use taskbox_executor::{Executor, ExecutorHandle};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::support::{NEVER, connect, ready, until};

taskbox_test_support::suite! {
    both: [
        what_another_program_makes_ready_starts_at_once,
        what_another_handle_of_the_program_makes_ready_starts_at_once,
        what_is_scheduled_starts_when_it_is_due,
        a_place_that_becomes_free_in_a_full_queue_is_used,
        a_place_that_becomes_free_is_used_by_what_was_ready_before,
        an_idle_executor_asks_the_database_nothing,
    ],
    postgres: [
        what_was_missed_is_found_once_the_listening_connection_is_made_anew,
        a_task_of_which_nobody_was_told_is_found_within_the_poll_interval,
    ],
}

/// A handle that shares nothing but the database with any other: a program of its own, as far as they can tell.
fn stranger(db: &TestDatabase) -> DAL {
    match db.backend() {
        Backend::Postgres => {
            let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(db.url());
            DAL::from_pool(Pool::builder(manager).build().unwrap())
        }
        Backend::Sqlite => {
            let path = db.url().trim_start_matches("sqlite://").to_owned();
            let manager = AsyncDieselConnectionManager::<AsyncSqliteConnection>::new(path);
            DAL::from_pool(Pool::builder(manager).max_size(1).build().unwrap())
        }
    }
}

/// An executor that is told, or does not look within the time of a test. Its task is "a".
pub(crate) fn told_executor(dal: &DAL) -> ExecutorHandle {
    let executor = Executor::builder(dal.clone()).poll_interval(NEVER);
    let executor = executor.task("a", async |_ctx, (): ()| Ok(()));
    executor.build().unwrap().start()
}

/// Waits until an executor of this `DAL` has nothing to do, and hears: it has made no transaction while the program made
/// many of its own.
pub(crate) async fn is_idle(db: &TestDatabase, dal: &DAL) {
    db.execute("CREATE TABLE theirs (id BIGINT)").await;
    loop {
        drop(dal.faults().take_reached());
        for _ in 0..100 {
            db.execute("INSERT INTO theirs VALUES (1)").await;
        }
        if !dal.faults().take_reached().contains(&"begin") {
            return;
        }
    }
}

async fn what_another_program_makes_ready_starts_at_once(db: &TestDatabase) {
    let (dal, stranger) = (connect(db).await, stranger(db));
    let executor = told_executor(&dal);
    for _ in 0..20 {
        let task = ready(&stranger, NewTaskExecution::standalone("a")).await;
        until(&stranger, task, TaskStatus::Completed).await;
    }
    executor.stop().await.unwrap();
}

async fn what_another_handle_of_the_program_makes_ready_starts_at_once(db: &TestDatabase) {
    let (dal, other) = (connect(db).await, connect(db).await);
    let executor = told_executor(&dal);
    for dal in [&dal, &other].into_iter().cycle().take(20) {
        let task = ready(dal, NewTaskExecution::standalone("a")).await;
        until(dal, task, TaskStatus::Completed).await;
    }
    executor.stop().await.unwrap();
}

async fn what_is_scheduled_starts_when_it_is_due(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).lease(NEVER).connect().await.unwrap();
    let stranger = stranger(db);
    let executor = told_executor(&dal);
    is_idle(db, &dal).await;
    // An executor that was told of none of them would wait for longer than the test.
    for delays in [
        [NEVER / 2, Duration::from_millis(300)],
        [NEVER / 3, Duration::from_millis(20)],
    ] {
        let mut task = Uuid::nil();
        for delay in delays {
            let new = NewTaskExecution::standalone("a");
            task = stranger.task_execution().create(new).await.unwrap().id;
            let scheduled = stranger.task_execution().schedule(task, delay);
            scheduled.await.unwrap();
        }
        until(&stranger, task, TaskStatus::Completed).await;
    }
    executor.stop().await.unwrap();
}

/// With a place for one video at a time, each of which ends when it is told to.
fn video_executor(dal: &DAL, go: &Arc<Notify>) -> Executor {
    let gone = Arc::clone(go);
    let executor = Executor::builder(dal.clone())
        .poll_interval(NEVER)
        .queue("video", 1)
        .queue("mail", 4)
        .task("a", async move |_ctx, (): ()| {
            gone.notified().await;
            Ok(())
        });
    executor.build().unwrap()
}

async fn a_place_that_becomes_free_in_a_full_queue_is_used(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).lease(NEVER).connect().await.unwrap();
    let go = Arc::new(Notify::new());
    let new = || NewTaskExecution::standalone("a").queue("video");
    let executor = video_executor(&dal, &go).start();
    let first = ready(&dal, new()).await;
    until(&dal, first, TaskStatus::Running).await;
    let second = ready(&dal, new()).await;
    is_idle(db, &dal).await;
    for task in [first, second] {
        go.notify_one();
        until(&dal, task, TaskStatus::Completed).await;
    }
    executor.stop().await.unwrap();
}

async fn a_place_that_becomes_free_is_used_by_what_was_ready_before(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).lease(NEVER).connect().await.unwrap();
    let go = Arc::new(Notify::new());
    let new = vec![NewTaskExecution::standalone("a").queue("video"); 2];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let [first, second] = [made[0].id, made[1].id];
    let executor = video_executor(&dal, &go).start();
    is_idle(db, &dal).await;
    // Both are seen at the same time, when there is room for one.
    let moved = dal.task_execution().mark_ready_many(&[first, second]).await;
    assert_eq!(moved.unwrap().moved.len(), 2);
    for task in [first, second] {
        go.notify_one();
        until(&dal, task, TaskStatus::Completed).await;
    }
    executor.stop().await.unwrap();
}

async fn an_idle_executor_asks_the_database_nothing(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).lease(NEVER).connect().await.unwrap();
    let executor = told_executor(&dal);
    let task = ready(&dal, NewTaskExecution::standalone("a")).await;
    until(&dal, task, TaskStatus::Completed).await;
    is_idle(db, &dal).await;
    executor.stop().await.unwrap();
}

/// Makes a task ready in a transaction that the program has begun, and tells nobody.
async fn make_ready_in_secret(db: &TestDatabase, dal: &DAL) -> Uuid {
    type Manager = <AsyncPgConnection as AsyncConnection>::TransactionManager;

    let new = NewTaskExecution::standalone("a");
    let task = dal.task_execution().create(new).await.unwrap().id;
    let mut connection = AsyncPgConnection::establish(&db.url()).await.unwrap();
    Manager::begin_transaction(&mut connection).await.unwrap();
    let mut tx = Tx::join(&mut connection).unwrap();
    tx.task_execution().mark_ready(task).await.unwrap();
    Manager::commit_transaction(&mut connection).await.unwrap();
    task
}

/// The process ids of the connections that listen.
async fn listening(db: &TestDatabase) -> Vec<Vec<Option<String>>> {
    let listening = "SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN taskbox%' AND state = 'idle'";
    db.query_text(listening).await
}

async fn what_was_missed_is_found_once_the_listening_connection_is_made_anew(db: &TestDatabase) {
    let (dal, stranger) = (connect(db).await, stranger(db));
    let executor = told_executor(&dal);
    for _ in 0..5 {
        let heard = ready(&stranger, NewTaskExecution::standalone("a")).await;
        until(&stranger, heard, TaskStatus::Completed).await;
        let mut before = listening(db).await;
        while before.is_empty() {
            before = listening(db).await;
        }
        let missed = make_ready_in_secret(db, &stranger).await;
        db.query_text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE 'LISTEN taskbox%'",
        )
        .await;
        until(&stranger, missed, TaskStatus::Completed).await;
        loop {
            let now = listening(db).await;
            if !now.is_empty() && now != before {
                break;
            }
        }
    }
    executor.stop().await.unwrap();
}

async fn a_task_of_which_nobody_was_told_is_found_within_the_poll_interval(db: &TestDatabase) {
    let (dal, stranger) = (connect(db).await, stranger(db));
    let executor = Executor::builder(dal.clone())
        .poll_interval(Duration::from_millis(200))
        .task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    while listening(db).await.is_empty() {}
    for _ in 0..5 {
        let task = make_ready_in_secret(db, &stranger).await;
        until(&stranger, task, TaskStatus::Completed).await;
    }
    executor.stop().await.unwrap();
}
