//! When a scheduled task is due.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use taskbox_dal::{DAL, Error};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

use crate::support::{
    connect::connect, due_at::due_at, lifecycle::task_in, refusal::assert_refused,
};

taskbox_test_support::suite! {
    a_task_is_due_when_the_delay_is_over,
    the_delay_begins_at_the_call_and_not_with_the_transaction,
    a_delay_longer_than_a_century_is_refused,
    the_next_due_time_is_that_of_the_earliest_task,
}

const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);

async fn a_task_is_due_when_the_delay_is_over(db: &TestDatabase) {
    let dal = connect(db).await;
    for delay in [
        Duration::ZERO,
        Duration::from_micros(1),
        Duration::from_hours(1),
        CENTURY,
    ] {
        let task = task_in(&dal, None, TaskStatus::NotStarted).await;
        let before = clock(db).await;
        dal.task_execution().schedule(task, delay).await.unwrap();
        let after = clock(db).await;
        let begun = due_at(db, task).await - TimeDelta::from_std(delay).unwrap();
        assert!(before <= begun && begun <= after, "{delay:?}: {begun}");
        assert_eq!(status(&dal, task).await, TaskStatus::Scheduled);
    }
}

/// The time by the database.
async fn clock(db: &TestDatabase) -> DateTime<Utc> {
    let sql = match db.backend() {
        Backend::Postgres => "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
        Backend::Sqlite => "SELECT CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000",
    };
    DateTime::from_timestamp_micros(db.query_i64(sql).await).unwrap()
}

async fn status(dal: &DAL, task: Uuid) -> TaskStatus {
    dal.task_execution().get(task).await.unwrap().status
}

async fn the_delay_begins_at_the_call_and_not_with_the_transaction(db: &TestDatabase) {
    let dal = connect(db).await;
    let scheduled = dal.transaction(async |tx| {
        let new = NewTaskExecution::standalone("a");
        let task = tx.task_execution().create(new).await?;
        let before = clock(db).await;
        let delay = Duration::from_secs(1);
        tx.task_execution().schedule(task.id, delay).await?;
        Ok::<_, Error>((task.id, before + delay))
    });
    let (task, earliest) = scheduled.await.unwrap();
    assert!(due_at(db, task).await >= earliest);
}

async fn a_delay_longer_than_a_century_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task_in(&dal, None, TaskStatus::NotStarted).await;
    for delay in [CENTURY + Duration::from_nanos(1), Duration::MAX] {
        let expected = Error::InvalidInput {
            what: "delay",
            problem: "is longer than a century".to_owned(),
        };
        assert_refused(db, dal.task_execution().schedule(task, delay), expected).await;
    }
}

async fn the_next_due_time_is_that_of_the_earliest_task(db: &TestDatabase) {
    let dal = connect(db).await;
    let tasks = dal.task_execution();
    assert_eq!(tasks.next_due().await.unwrap(), None);
    for (hours, longest) in [(3, 3), (1, 1), (2, 1)] {
        let task = task_in(&dal, None, TaskStatus::NotStarted).await;
        let delay = Duration::from_hours(hours);
        tasks.schedule(task, delay).await.unwrap();
        let left = tasks.next_due().await.unwrap().unwrap();
        let longest = Duration::from_hours(longest);
        assert!(longest < left + Duration::from_mins(2), "{left:?}");
        assert!(left <= longest, "{left:?}");
    }
    let task = task_in(&dal, None, TaskStatus::NotStarted).await;
    tasks.schedule(task, Duration::ZERO).await.unwrap();
    assert_eq!(tasks.next_due().await.unwrap(), Some(Duration::ZERO));
}
