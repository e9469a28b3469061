//! What is said of tasks that become ready, and who hears it.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{pin::pin, time::Duration};

use diesel_async::{
    AsyncConnection, AsyncPgConnection, RunQueryDsl, TransactionManager,
    pooled_connection::{AsyncDieselConnectionManager, deadpool::Pool},
};
use futures_util::{FutureExt, StreamExt, future::join_all};
use taskbox_dal::{DAL, Error, Tx, Wakeups};
use taskbox_models::{NewPipelineExecution, NewTaskExecution, NewTaskOutbox, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use tokio::time::timeout;
use uuid::Uuid;

mod support {
    pub(crate) mod own_pool;
    pub(crate) mod task;
}

use support::{own_pool, task};

taskbox_test_support::suite! {
    both: [
        whatever_makes_a_task_ready_is_heard_elsewhere,
        what_will_be_due_is_heard_with_how_long_that_is,
        what_a_handle_does_itself_is_heard_at_once_and_once,
    ],
    postgres: [
        nothing_is_said_where_nothing_becomes_ready,
        what_becomes_ready_meanwhile_is_said_once,
        what_is_due_is_said_if_who_makes_it_ready_leaves_some,
        what_is_said_last_is_said_although_the_handle_is_gone,
        a_program_that_waits_for_it_may_end,
        a_joined_transaction_says_nothing_until_its_program_does,
        those_who_see_other_tables_hear_nothing,
    ],
}

const HOUR: Duration = Duration::from_hours(1);

/// A handle that shares nothing but the database with any other: a program of its own, as far as they can tell.
fn stranger(db: &TestDatabase) -> DAL {
    match db.backend() {
        Backend::Postgres => {
            let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(db.url());
            DAL::from_pool(Pool::builder(manager).build().unwrap())
        }
        Backend::Sqlite => DAL::from_pool(own_pool::pool(db, 4)),
    }
}

/// Once it hears of other programs.
async fn hearing(db: &TestDatabase) -> Wakeups {
    let mut wakeups = DAL::connect(db.url()).await.unwrap().wakeups();
    while !wakeups.hears_others() {
        wakeups.next().await;
    }
    while wakeups.next().now_or_never().is_some() {}
    wakeups
}

/// Waits for a hint that something is ready now.
async fn hears_of_something(wakeups: &mut Wakeups) {
    while !wakeups.next().await.is_zero() {}
    while wakeups.next().now_or_never().is_some() {}
}

async fn whatever_makes_a_task_ready_is_heard_elsewhere(db: &TestDatabase) {
    let (dal, mut wakeups) = (stranger(db), hearing(db).await);
    let wakeups = &mut wakeups;
    let tasks = dal.task_execution();

    let task = task::create(&dal).await;
    tasks.mark_ready(task).await.unwrap();
    hears_of_something(wakeups).await;
    tasks.cancel(task).await.unwrap();
    tasks.redrive(task).await.unwrap();
    assert_eq!(task::status(&dal, task).await, TaskStatus::Ready);
    hears_of_something(wakeups).await;

    let worker = dal.worker().register("w").await.unwrap();
    let claim = async || tasks.claim(&worker, 1).await.unwrap().pop().unwrap();
    tasks.release(&claim().await).await.unwrap();
    hears_of_something(wakeups).await;
    let again = claim().await;
    tasks
        .schedule_retry(&again, "again", Duration::ZERO)
        .await
        .unwrap();
    hears_of_something(wakeups).await;
    claim().await;
    db.execute("UPDATE task_workers SET lease_expires_at = registered_at")
        .await;
    let swept = tasks.recover_expired(10).await.unwrap();
    assert_eq!(swept.recovered, [task]);
    hears_of_something(wakeups).await;

    db.execute("DELETE FROM task_outbox").await;
    let row = NewTaskOutbox {
        task_execution_id: task,
    };
    dal.task_outbox().create(row).await.unwrap();
    hears_of_something(wakeups).await;
}

async fn what_will_be_due_is_heard_with_how_long_that_is(db: &TestDatabase) {
    let (dal, mut wakeups) = (stranger(db), hearing(db).await);
    let task = task::create(&dal).await;
    dal.task_execution().schedule(task, HOUR).await.unwrap();
    let due = wakeups.next().await;
    assert!((HOUR / 2..=HOUR).contains(&due), "{due:?}");
    let earlier = task::create(&dal).await;
    dal.task_execution()
        .schedule(earlier, HOUR / 10)
        .await
        .unwrap();
    let due = wakeups.next().await;
    assert!((HOUR / 20..=HOUR / 10).contains(&due), "{due:?}");
}

/// Sees to it that what would be heard by a detour has been: a hint for later would be one with it.
async fn what_a_handle_does_itself_is_heard_at_once_and_once(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let other = DAL::connect(db.url()).await.unwrap();
    let pipeline = NewPipelineExecution::new("p");
    let pipeline = dal.pipeline_execution().create(pipeline).await.unwrap().id;
    let first = NewTaskExecution::new(pipeline, "first");
    let first = dal.task_execution().create(first).await.unwrap().id;
    let second = NewTaskExecution::new(pipeline, "second").after(&[first]);
    dal.task_execution().create(second).await.unwrap();
    let mut wakeups = dal.wakeups();
    while !wakeups.hears_others() {
        wakeups.next().await;
    }
    while wakeups.next().now_or_never().is_some() {}

    dal.task_execution().mark_ready(first).await.unwrap();
    assert_eq!(wakeups.next().now_or_never(), Some(Duration::ZERO));
    let worker = dal.worker().register("w").await.unwrap();
    let claims = dal.task_execution().claim(&worker, 1).await.unwrap();
    // SQLite's watcher sees it a moment later, and cannot tell whose it is.
    let again = wakeups.next().now_or_never();
    assert!(again.is_none() || db.backend() == Backend::Sqlite);
    dal.task_execution()
        .complete(&claims[0], None)
        .await
        .unwrap();
    assert_eq!(wakeups.next().now_or_never(), Some(Duration::ZERO));
    dal.pipeline_execution().pause(pipeline, "").await.unwrap();
    dal.pipeline_execution().resume(pipeline).await.unwrap();
    assert_eq!(wakeups.next().now_or_never(), Some(Duration::ZERO));
    dal.announce();
    assert_eq!(wakeups.next().now_or_never(), Some(Duration::ZERO));

    if db.backend() == Backend::Postgres {
        let task = task::create(&other).await;
        other.task_execution().schedule(task, HOUR).await.unwrap();
        let heard = wakeups.next().await;
        assert!(heard > Duration::ZERO, "it heard itself");
    }
}

/// A connection that listens as another program's may.
async fn ear(db: &TestDatabase) -> AsyncPgConnection {
    let mut connection = AsyncPgConnection::establish(&db.url()).await.unwrap();
    let channel = "SELECT 'taskbox_' || 'task_outbox'::regclass::oid";
    let channel = db.query_text(channel).await[0][0].clone().unwrap();
    diesel::sql_query(format!("LISTEN {channel}"))
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

/// How often this handle has said that something is ready. What it says then is the last of it, unless both are one.
async fn said(ear: &mut AsyncPgConnection, dal: &DAL) -> usize {
    let mut times = 0;
    let mut notifications = pin!(ear.notifications_stream());
    loop {
        let last = task::create(dal).await;
        dal.task_execution().schedule(last, HOUR).await.unwrap();
        let patience = Duration::from_secs(1);
        while let Ok(said) = timeout(patience, notifications.next()).await {
            let payload = said.unwrap().unwrap().payload;
            // None of it is the program's.
            let (_sender, delay) = payload.split_once(' ').unwrap();
            if delay.parse::<u64>().unwrap() > 1_000_000 {
                return times;
            }
            times += 1;
        }
    }
}

async fn nothing_is_said_where_nothing_becomes_ready(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let mut ear = ear(db).await;
    let task = task::create(&dal).await;
    let rolled_back = dal
        .transaction(async |tx| {
            tx.task_execution().mark_ready(task).await?;
            Err::<(), _>(Error::Database(diesel::result::Error::RollbackTransaction))
        })
        .await;
    assert!(rolled_back.is_err());
    let unknown = Uuid::now_v7();
    assert!(dal.task_execution().mark_ready(unknown).await.is_err());
    assert_eq!(said(&mut ear, &dal).await, 0);

    dal.task_execution().mark_ready(task).await.unwrap();
    assert_eq!(said(&mut ear, &dal).await, 1);
    assert!(dal.task_execution().mark_ready(task).await.is_err());
    let worker = dal.worker().register("w").await.unwrap();
    let claims = dal.task_execution().claim(&worker, 1).await.unwrap();
    let _ = dal.worker().heartbeat(&worker).await.unwrap();
    dal.task_execution()
        .complete(&claims[0], None)
        .await
        .unwrap();
    dal.task_execution().recover_expired(10).await.unwrap();
    dal.worker().deregister(worker).await.unwrap();
    assert_eq!(said(&mut ear, &dal).await, 0);
}

async fn what_becomes_ready_meanwhile_is_said_once(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let mut ear = ear(db).await;
    let new = vec![NewTaskExecution::standalone("a"); 300];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let ready = made.iter().map(async |task| {
        let readied = dal.task_execution().mark_ready(task.id);
        readied.await.unwrap();
    });
    join_all(ready).await;
    let times = said(&mut ear, &dal).await;
    assert!((1..100).contains(&times), "{times}");
}

async fn what_is_due_is_said_if_who_makes_it_ready_leaves_some(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let mut ear = ear(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    for (limit, times) in [(2, 0), (1, 1)] {
        for _ in 0..2 {
            let due = task::create(&dal).await;
            let scheduled = dal.task_execution().schedule(due, Duration::ZERO);
            scheduled.await.unwrap();
        }
        said(&mut ear, &dal).await;
        let claims = dal.task_execution().claim(&worker, limit).await.unwrap();
        assert_eq!(claims.len(), usize::try_from(limit).unwrap());
        assert_eq!(said(&mut ear, &dal).await, times);
    }
}

async fn what_is_said_last_is_said_although_the_handle_is_gone(db: &TestDatabase) {
    let mut wakeups = hearing(db).await;
    for _ in 0..10 {
        let dal = DAL::connect(db.url()).await.unwrap();
        let task = task::create(&dal).await;
        dal.task_execution().mark_ready(task).await.unwrap();
        drop(dal);
        assert!(wakeups.next().await.is_zero());
    }
}

async fn a_program_that_waits_for_it_may_end(db: &TestDatabase) {
    let mut wakeups = hearing(db).await;
    let url = db.url();
    let program = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let dal = DAL::connect(url).await.unwrap();
            let task = task::create(&dal).await;
            dal.task_execution().mark_ready(task).await.unwrap();
            dal.announced().await;
        });
    });
    assert!(wakeups.next().await.is_zero());
    program.join().unwrap();
}

async fn a_joined_transaction_says_nothing_until_its_program_does(db: &TestDatabase) {
    type Manager = <AsyncPgConnection as AsyncConnection>::TransactionManager;

    let dal = DAL::connect(db.url()).await.unwrap();
    let mut ear = ear(db).await;
    let task = task::create(&dal).await;
    let mut connection = AsyncPgConnection::establish(&db.url()).await.unwrap();
    Manager::begin_transaction(&mut connection).await.unwrap();
    let mut tx = Tx::join(&mut connection).unwrap();
    tx.task_execution().mark_ready(task).await.unwrap();
    Manager::commit_transaction(&mut connection).await.unwrap();
    assert_eq!(said(&mut ear, &dal).await, 0);
    dal.announce();
    assert_eq!(said(&mut ear, &dal).await, 1);
}

/// Channels are of a database, and tables of a schema.
async fn those_who_see_other_tables_hear_nothing(db: &TestDatabase) {
    db.execute("CREATE SCHEMA other").await;
    let separator = if db.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options=-csearch_path%3Dother", db.url());
    let other = DAL::connect(url).await.unwrap();
    other.migrate().await.unwrap();
    let dal = DAL::connect(db.url()).await.unwrap();
    let mut ear = ear(db).await;
    other.announce();
    let mut theirs = other.wakeups();
    while !theirs.hears_others() {
        theirs.next().await;
    }
    let task = task::create(&other).await;
    other.task_execution().mark_ready(task).await.unwrap();
    hears_of_something(&mut theirs).await;
    assert_eq!(said(&mut ear, &dal).await, 0);
}
