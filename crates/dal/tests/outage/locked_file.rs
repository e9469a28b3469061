//! A SQLite file that another program keeps locked.

use std::time::Duration;

use futures_util::future::join_all;
use taskbox_dal::{DAL, Error};
use taskbox_models::TaskStatus;
use taskbox_test_support::TestDatabase;

use crate::support::{one_thread::on_one_thread, task};

taskbox_test_support::suite! {
    sqlite: [
        a_file_that_stays_locked_is_waited_for_until_the_deadline,
        what_came_too_late_is_not_done_later,
    ],
}

async fn a_file_that_stays_locked_is_waited_for_until_the_deadline(db: &TestDatabase) {
    let deadline = Duration::from_millis(500);
    let dal = DAL::builder(db.url()).deadline(deadline).pool_size(2);
    let dal = dal.connect().await.unwrap();
    let own = DAL::connect(db.url()).await.unwrap();
    let task = task::create(&own).await;
    let other = rusqlite::Connection::open(db.url().trim_start_matches("sqlite://")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..2 {
        let calls = (0..4).map(|_| dal.task_execution().mark_ready(task));
        for answer in join_all(calls).await {
            let late = matches!(answer, Err(Error::DeadlineExceeded { .. }));
            assert!(late, "{answer:?}");
        }
        // Who only reads need not wait.
        assert_eq!(task::status(&dal, task).await, TaskStatus::NotStarted);
    }
    other.execute_batch("ROLLBACK").unwrap();
    // Those who came too late may be in line yet.
    while let Err(error) = dal.task_execution().mark_ready(task).await {
        let late = matches!(error, Error::DeadlineExceeded { .. });
        assert!(late, "{error:?}");
    }
    assert_eq!(task::status(&own, task).await, TaskStatus::Ready);
}

async fn what_came_too_late_is_not_done_later(db: &TestDatabase) {
    let own = DAL::connect(db.url()).await.unwrap();
    let task = task::create(&own).await;
    let before = db.dump().await;
    let other = rusqlite::Connection::open(db.url().trim_start_matches("sqlite://")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Ends once the connection's thread has: it waits for the file until after the deadline, and then finds it free.
    on_one_thread(async move {
        let dal = DAL::builder(db.url()).deadline(Duration::from_millis(500));
        let dal = dal.connect().await.unwrap();
        let answer = dal.task_execution().mark_ready(task).await;
        let late = matches!(answer, Err(Error::DeadlineExceeded { .. }));
        assert!(late, "{answer:?}");
        other.execute_batch("ROLLBACK").unwrap();
    });
    assert_eq!(db.dump().await, before);
}
