//! Every time is that of the database's clock when it was asked: not of the session's zone, and not of the
//! transaction's beginning.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod due_at;
    pub(crate) mod own_sql;
    pub(crate) mod run;
}

use std::{ops::RangeInclusive, time::Duration};

use chrono::{DateTime, Utc};
use support::{connect::connect, due_at::due_at, own_sql, run::run};
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::{NewPipelineExecution, NewTaskExecution};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

taskbox_test_support::suite! {
    both: [every_time_is_after_what_happened_before_it],
    postgres: [
        the_zone_of_a_session_changes_no_time,
        a_task_that_became_due_during_a_transaction_is_claimed_in_it,
        a_lease_that_ended_during_a_transaction_is_lost_in_it,
    ],
}

const DELAY: Duration = Duration::from_secs(90);

/// Every column of a time, and how many seconds after the clock it is to be.
const TIMES: [(&str, &str, i64); 11] = [
    ("execution_events", "created_at", 0),
    ("pipeline_executions", "created_at", 0),
    ("pipeline_executions", "updated_at", 0),
    ("task_claims", "claimed_at", 0),
    ("task_executions", "created_at", 0),
    ("task_executions", "updated_at", 0),
    ("task_outbox", "created_at", 0),
    ("task_schedule", "due_at", 90),
    ("task_workers", "heartbeat_at", 0),
    ("task_workers", "lease_expires_at", 30),
    ("task_workers", "registered_at", 0),
];

/// The database's clock, in microseconds since 1970.
async fn now(db: &TestDatabase) -> i64 {
    db.query_i64(match db.backend() {
        Backend::Postgres => "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
        Backend::Sqlite => "SELECT CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000",
    })
    .await
}

/// The clock, once it shows another time than it does now.
async fn later(db: &TestDatabase) -> i64 {
    let before = now(db).await;
    loop {
        let now = now(db).await;
        if now > before {
            return now;
        }
    }
}

/// Leaves something in every table; answers with the tasks that are put off.
async fn do_everything(tx: &mut Tx<'_>) -> Result<[Uuid; 3]> {
    let new = NewPipelineExecution::new("import");
    let pipeline = tx.pipeline_execution().create(new).await?.id;
    let new = vec![NewTaskExecution::new(pipeline, "page"); 6];
    let made = tx.task_execution().create_many(new).await?;
    let ids: Vec<Uuid> = made.iter().map(|task| task.id).collect();
    tx.task_execution().schedule(ids[0], DELAY).await?;
    let _ = tx.task_execution().mark_ready_many(&ids[1..]).await?;

    let worker = tx.worker().register("host-1").await?;
    let claims = tx.task_execution().claim(&worker, 4).await?;
    tx.task_execution().complete(&claims[0], None).await?;
    let (retried, deferred) = (&claims[1], &claims[2]);
    tx.task_execution()
        .schedule_retry(retried, "no answer", DELAY)
        .await?;
    tx.task_execution().defer(deferred, DELAY).await?;
    let _ = tx.worker().heartbeat(&worker).await?;
    Ok([ids[0], ids[2], ids[3]])
}

/// Fails unless every time in the database lies within what the clock showed.
async fn assert_times(db: &TestDatabase, during: RangeInclusive<i64>) {
    for (table, column, seconds) in TIMES {
        for which in ["min", "max"] {
            let time = match db.backend() {
                Backend::Postgres => {
                    format!("(extract(epoch FROM {which}({column})) * 1000000)::bigint")
                }
                Backend::Sqlite => format!("{which}({column})"),
            };
            let time = db.query_i64(&format!("SELECT {time} FROM {table}")).await;
            let asked = time - seconds * 1_000_000;
            assert!(
                during.contains(&asked),
                "{which}({table}.{column}): the clock was asked at {asked}, which is not in {during:?}"
            );
        }
    }
}

async fn every_time_is_after_what_happened_before_it(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut before = 0;
    dal.transaction(async |tx| {
        own_sql::execute(tx, "SELECT 1").await?;
        before = later(db).await;
        do_everything(tx).await
    })
    .await
    .unwrap();
    assert_times(db, before..=now(db).await).await;
}

async fn the_zone_of_a_session_changes_no_time(db: &TestDatabase) {
    let dal = connect(db).await;
    let before = now(db).await;
    let tasks = dal
        .transaction(async |tx| {
            own_sql::execute(tx, "SET TIME ZONE 'Asia/Kathmandu'").await?;
            own_sql::execute(tx, "SET DateStyle = 'SQL, DMY'").await?;
            do_everything(tx).await
        })
        .await
        .unwrap();
    assert_times(db, before..=now(db).await).await;
    for task in tasks {
        assert_eq!(said_due(&dal, task).await, due_at(db, task).await);
    }
}

/// When the history says that a task is due.
async fn said_due(dal: &DAL, task: Uuid) -> DateTime<Utc> {
    let events = dal.execution_event().list_by_task(task).await.unwrap();
    let data = events.last().unwrap().event_data.as_ref().unwrap();
    data["due_at"].as_str().unwrap().parse().unwrap()
}

async fn a_task_that_became_due_during_a_transaction_is_claimed_in_it(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewTaskExecution::standalone("mail");
    let task = dal.task_execution().create(new).await.unwrap().id;
    let worker = dal.worker().register("host-1").await.unwrap();
    let claims = dal
        .transaction(async |tx| {
            own_sql::execute(tx, "SELECT 1").await?;
            let at_once = Duration::ZERO;
            dal.task_execution().schedule(task, at_once).await?;
            tx.task_execution().claim(&worker, 1).await
        })
        .await
        .unwrap();
    assert_eq!(claims[0].task_execution_id(), task);
}

async fn a_lease_that_ended_during_a_transaction_is_lost_in_it(db: &TestDatabase) {
    let dal = connect(db).await;
    let (worker, claim) = run(&dal, NewTaskExecution::standalone("mail")).await;
    let end_all = "UPDATE task_workers SET lease_expires_at = clock_timestamp()";
    let recovered = dal
        .transaction(async |tx| {
            own_sql::execute(tx, "SELECT 1").await?;
            db.execute(end_all).await;
            let late = tx.task_execution().claim(&worker, 1).await;
            assert!(matches!(late, Err(Error::LeaseLost { what: "worker", .. })));
            let late = tx.task_execution().complete(&claim, None).await;
            assert!(matches!(late, Err(Error::LeaseLost { what: "task", .. })));
            tx.task_execution().recover_expired(1).await
        })
        .await
        .unwrap();
    assert_eq!(recovered.recovered, [claim.task_execution_id()]);
    let workers = db.query_i64("SELECT count(*) FROM task_workers").await;
    assert_eq!(workers, 0, "it is forgotten");
}
