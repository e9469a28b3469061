//! An operation that is dropped between its statements takes its transaction with it.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use taskbox_dal::{DAL, Error};
use taskbox_models::TaskStatus;
use taskbox_test_support::TestDatabase;

mod support {
    pub(crate) mod orders;
    pub(crate) mod own_sql;
    pub(crate) mod poll;
    pub(crate) mod task;
}

use support::{
    orders,
    poll::{Moment, poll_times},
    task,
};

taskbox_test_support::suite! {
    a_transition_dropped_at_any_poll_is_not_committed,
    a_read_dropped_at_any_poll_is_not_committed,
    an_operation_that_was_never_polled_did_nothing,
}

async fn connect(db: &TestDatabase) -> DAL {
    orders::create_table(db).await;
    DAL::builder(db.url()).pool_size(1).connect().await.unwrap()
}

fn assert_unfinished<R: std::fmt::Debug>(answer: &Result<R, Error>, by: &str) {
    let Err(Error::Unfinished { operation }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(*operation, by);
}

/// Until it was dropped at least once: on a lucky thread a statement is done at the first poll.
async fn a_transition_dropped_at_any_poll_is_not_committed(db: &TestDatabase) {
    let dal = connect(db).await;
    for moment in Moment::BOTH {
        while drop_transitions(db, &dal, moment).await == 0 {}
    }
}

/// Drops `mark_ready` after 1, 2, 3 … polls, until it was done by then. Answers how often it was dropped.
async fn drop_transitions(db: &TestDatabase, dal: &DAL, moment: Moment) -> usize {
    let task = task::create(dal).await;
    let (before, orders) = (db.dump().await, orders::count(db).await);
    let mut polls = 0;
    loop {
        polls += 1;
        let mut done = false;
        let answer = dal
            .transaction(async |tx| {
                orders::insert(tx).await?;
                let ready = tx.task_execution().mark_ready(task);
                if let Some(answer) = poll_times(polls, moment, ready).await {
                    done = true;
                    return answer;
                }
                let write = tx.task_execution().cancel(task).await;
                assert_unfinished(&write, "mark_ready");
                let read = tx.task_execution().get(task).await;
                assert_unfinished(&read, "mark_ready");
                Ok::<_, Error>(())
            })
            .await;
        if done {
            answer.unwrap();
            assert_eq!(orders::count(db).await, orders + 1);
            return polls - 1;
        }
        assert_unfinished(&answer, "mark_ready");
        assert_eq!(db.dump().await, before, "after {polls} polls");
        assert_eq!(orders::count(db).await, orders, "after {polls} polls");
    }
}

async fn a_read_dropped_at_any_poll_is_not_committed(db: &TestDatabase) {
    let dal = connect(db).await;
    for moment in Moment::BOTH {
        while drop_reads(db, &dal, moment).await == 0 {}
    }
}

async fn drop_reads(db: &TestDatabase, dal: &DAL, moment: Moment) -> usize {
    let orders = orders::count(db).await;
    let mut polls = 0;
    loop {
        polls += 1;
        let mut done = false;
        let answer = dal
            .transaction(async |tx| {
                orders::insert(tx).await?;
                let read = tx.task_outbox().count_pending();
                let read = poll_times(polls, moment, read).await;
                done = read.is_some();
                read.unwrap_or(Ok(0))
            })
            .await;
        if done {
            answer.unwrap();
            return polls - 1;
        }
        assert_unfinished(&answer, "read");
        assert_eq!(orders::count(db).await, orders, "after {polls} polls");
    }
}

async fn an_operation_that_was_never_polled_did_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    dal.transaction(async |tx| {
        drop(tx.task_execution().cancel(task));
        tx.task_execution().mark_ready(task).await
    })
    .await
    .unwrap();
    assert_eq!(task::status(&dal, task).await, TaskStatus::Ready);
}
