//! What `DAL::transaction_with_retry` tries again, and what it does not.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use diesel::result::{DatabaseErrorKind, Error as Diesel};
use diesel_async::SimpleAsyncConnection;
use taskbox_dal::{DAL, Error, Fault};
use taskbox_models::TaskStatus;
use taskbox_test_support::TestDatabase;
use tokio::{sync::Barrier, time::timeout};
use uuid::Uuid;

mod support {
    pub(crate) mod own_pool;
    pub(crate) mod own_sql;
    pub(crate) mod task;
}

use support::{own_pool, own_sql, task};

taskbox_test_support::suite! {
    both: [
        what_may_pass_is_tried_a_bounded_number_of_times,
        what_will_stay_is_tried_once,
        the_deadline_is_for_all_tries_together,
        an_operation_that_hits_a_passing_error_is_done_once,
    ],
    postgres: [
        the_victim_of_a_deadlock_is_tried_again,
        a_serialization_failure_is_tried_again,
    ],
    sqlite: [
        a_file_that_is_busy_is_tried_again,
        a_file_that_stays_busy_is_given_up,
    ],
}

async fn connect(db: &TestDatabase) -> DAL {
    DAL::connect(db.url()).await.unwrap()
}

/// Counts a try, since a closure that can run again cannot change what it captured; answers which it is.
fn count(tries: &AtomicU32) -> u32 {
    tries.fetch_add(1, Ordering::SeqCst) + 1
}

fn may_pass() -> Error {
    let message = Box::new("the cause may pass".to_owned());
    Error::Database(Diesel::DatabaseError(
        DatabaseErrorKind::SerializationFailure,
        message,
    ))
}

async fn what_may_pass_is_tried_a_bounded_number_of_times(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    let before = db.dump().await;
    let tries = AtomicU32::new(0);
    let answer: Result<(), Error> = dal
        .transaction_with_retry(async |tx| {
            count(&tries);
            tx.task_execution().mark_ready(task).await?;
            Err(may_pass())
        })
        .await;
    assert!(answer.unwrap_err().is_transient());
    assert_eq!(tries.into_inner(), 6);
    assert_eq!(db.dump().await, before);
}

async fn what_will_stay_is_tried_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let tries = AtomicU32::new(0);
    let answer: Result<(), Error> = dal
        .transaction_with_retry(async |tx| {
            count(&tries);
            tx.task_execution().mark_ready(Uuid::nil()).await
        })
        .await;
    assert!(matches!(answer, Err(Error::NotFound { .. })), "{answer:?}");
    let answer: Result<usize, Error> = dal
        .transaction_with_retry(async |tx| {
            count(&tries);
            let twice = "INSERT INTO __diesel_schema_migrations (version) VALUES ('1'), ('1')";
            own_sql::execute(tx, twice).await
        })
        .await;
    let unique = matches!(
        answer,
        Err(Error::Database(Diesel::DatabaseError(
            DatabaseErrorKind::UniqueViolation,
            _
        )))
    );
    assert!(unique, "{answer:?}");
    assert_eq!(tries.into_inner(), 2);
}

/// Each try takes more than half of it, so that there is time for the first one alone.
async fn the_deadline_is_for_all_tries_together(db: &TestDatabase) {
    let deadline = Duration::from_secs(2);
    let dal = DAL::builder(db.url())
        .deadline(deadline)
        .connect()
        .await
        .unwrap();
    let tries = AtomicU32::new(0);
    let answer: Result<(), Error> = dal
        .transaction_with_retry(async |_tx| {
            count(&tries);
            let never = timeout(deadline.mul_f64(0.6), pending::<()>()).await;
            never.map_err(|_| may_pass())
        })
        .await;
    let late = matches!(answer, Err(Error::DeadlineExceeded { .. }));
    assert!(late, "{answer:?}");
    assert_eq!(tries.into_inner(), 2);
}

async fn an_operation_that_hits_a_passing_error_is_done_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    dal.faults().arm("transition: done", Fault::Error);
    dal.task_execution().mark_ready(task).await.unwrap();
    assert_eq!(task::status(&dal, task).await, TaskStatus::Ready);
    let events = dal.execution_event().list_by_task(task).await.unwrap();
    assert_eq!(events.len(), 2);
}

async fn the_victim_of_a_deadlock_is_tried_again(db: &TestDatabase) {
    let dal = connect(db).await;
    let (both_hold_one, tries) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
    let cross = |first: i32, second: i32| {
        let (dal, both_hold_one, tries) =
            (dal.clone(), Arc::clone(&both_hold_one), Arc::clone(&tries));
        tokio::spawn(async move {
            dal.transaction_with_retry(async |tx| {
                let lock = |key| format!("SELECT pg_advisory_xact_lock({key})");
                own_sql::execute(tx, &lock(first)).await?;
                if count(&tries) <= 2 {
                    both_hold_one.wait().await;
                }
                own_sql::execute(tx, &lock(second)).await
            })
            .await
        })
    };
    let (one, other) = (cross(1, 2), cross(2, 1));
    one.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}

async fn a_serialization_failure_is_tried_again(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    let priority = |sign: &str| format!("UPDATE task_executions SET priority = priority {sign} 1");
    let tries = AtomicU32::new(0);
    dal.transaction_with_retry(async |tx| {
        let first = count(&tries) == 1;
        own_sql::execute(tx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        tx.task_execution().get(task).await?;
        if first {
            db.execute(&priority("+")).await;
        }
        own_sql::execute(tx, &priority("-")).await
    })
    .await
    .unwrap();
    assert_eq!(tries.into_inner(), 2);
    let task = dal.task_execution().get(task).await.unwrap();
    assert_eq!(task.priority, 0);
}

/// A `DAL` that waits shortly for other processes.
async fn impatient(db: &TestDatabase, busy_timeout: Duration) -> DAL {
    let mut settings = format!("PRAGMA busy_timeout = {};", busy_timeout.as_millis());
    settings.push_str("PRAGMA foreign_keys = ON");
    let dal = DAL::from_pool(own_pool::pool(db, 1));
    dal.transaction(async |tx| {
        let set = tx.sqlite()?.batch_execute(&settings).await;
        set.map_err(Error::from)
    })
    .await
    .unwrap();
    dal
}

fn begun(dal: &DAL) -> usize {
    let reached = dal.faults().take_reached();
    reached.iter().filter(|point| **point == "begin").count()
}

async fn a_file_that_is_busy_is_tried_again(db: &TestDatabase) {
    let dal = impatient(db, Duration::from_millis(500)).await;
    let task = task::create(&dal).await;
    let other = rusqlite::Connection::open(own_pool::file(db)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    begun(&dal);
    let ready = tokio::spawn({
        let dal = dal.clone();
        async move { dal.task_execution().mark_ready(task).await }
    });
    let mut tries = 0;
    while tries < 2 {
        tries += begun(&dal);
        tokio::task::yield_now().await;
    }
    other.execute_batch("ROLLBACK").unwrap();
    ready.await.unwrap().unwrap();
    assert_eq!(task::status(&dal, task).await, TaskStatus::Ready);
}

async fn a_file_that_stays_busy_is_given_up(db: &TestDatabase) {
    let dal = impatient(db, Duration::ZERO).await;
    let task = task::create(&dal).await;
    let other = rusqlite::Connection::open(own_pool::file(db)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    begun(&dal);
    let answer = dal.task_execution().mark_ready(task).await;
    assert_eq!(begun(&dal), 6);
    assert!(answer.unwrap_err().is_transient());
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(task::status(&dal, task).await, TaskStatus::NotStarted);
}
