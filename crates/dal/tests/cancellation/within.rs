//! A call that was broken off within a transaction, or that failed, takes the transaction with it.

use std::fmt::Debug;

use taskbox_dal::{DAL, Error, Fault, Result};
use taskbox_test_support::TestDatabase;

use crate::support::{
    attempt::Attempt,
    poll::{Moment, poll_times},
    prepared::Operation,
};

taskbox_test_support::suite! {
    workers_that_come_and_go_half_way_are_not_committed,
    claims_and_ends_half_way_are_not_committed,
    ends_half_way_in_pipelines_are_not_committed,
    what_is_moved_by_others_half_way_is_not_committed,
    a_failure_that_is_swallowed_spoils_the_transaction,
}

async fn workers_that_come_and_go_half_way_are_not_committed(db: &TestDatabase) {
    for call in [Attempt::Register, Attempt::Heartbeat, Attempt::Deregister] {
        break_off(db, call).await;
    }
}

async fn claims_and_ends_half_way_are_not_committed(db: &TestDatabase) {
    for call in [
        Attempt::Claim,
        Attempt::RetryLater,
        Attempt::RetryAtOnce,
        Attempt::RetryMany,
        Attempt::Defer,
        Attempt::DeferMany,
        Attempt::Release,
        Attempt::ReleaseMany,
    ] {
        break_off(db, call).await;
    }
}

async fn ends_half_way_in_pipelines_are_not_committed(db: &TestDatabase) {
    for call in [
        Attempt::Complete,
        Attempt::CompleteOneOfAGraph,
        Attempt::CompleteMany,
        Attempt::FailMany,
        Attempt::FailOneOfAGraph,
        Attempt::RetryNoMore,
    ] {
        break_off(db, call).await;
    }
}

async fn what_is_moved_by_others_half_way_is_not_committed(db: &TestDatabase) {
    for call in [
        Attempt::Recover,
        Attempt::Redrive,
        Attempt::Cancel,
        Attempt::CreateGraph,
    ] {
        break_off(db, call).await;
    }
}

async fn connect(db: &TestDatabase) -> DAL {
    DAL::builder(db.url()).pool_size(1).connect().await.unwrap()
}

/// Until it was dropped at least once: on a lucky thread a statement is done at the first poll.
async fn break_off(db: &TestDatabase, call: Attempt) {
    let dal = connect(db).await;
    for moment in Moment::BOTH {
        while drop_until_done(db, &dal, call, moment).await == 0 {}
    }
}

fn assert_unfinished<R: Debug>(answer: &Result<R>, call: Attempt) {
    assert!(
        matches!(answer, Err(Error::Unfinished { .. })),
        "{call:?}: {answer:?}"
    );
}

/// Drops the call after 1, 2, 3 … polls, and lets the transaction try to commit. Answers how often.
async fn drop_until_done(db: &TestDatabase, dal: &DAL, call: Attempt, moment: Moment) -> usize {
    let subject = call.prepare(db, dal).await;
    let before = db.dump().await;
    let mut polls = 0;
    loop {
        polls += 1;
        let mut done = false;
        let answer = dal
            .transaction(async |tx| {
                if let Some(answer) = poll_times(polls, moment, call.within(tx, &subject)).await {
                    done = true;
                    return answer;
                }
                let read = tx.task_outbox().count_pending().await;
                assert_unfinished(&read, call);
                Ok::<_, Error>(())
            })
            .await;
        if done {
            answer.unwrap();
            return polls - 1;
        }
        assert_unfinished(&answer, call);
        assert_eq!(db.dump().await, before, "{call:?} after {polls} polls");
    }
}

async fn a_failure_that_is_swallowed_spoils_the_transaction(db: &TestDatabase) {
    let dal = connect(db).await;
    for call in [
        Attempt::Register,
        Attempt::Heartbeat,
        Attempt::Deregister,
        Attempt::Claim,
        Attempt::CompleteMany,
        Attempt::FailOneOfAGraph,
        Attempt::RetryAtOnce,
        Attempt::Recover,
        Attempt::Redrive,
    ] {
        let subject = call.prepare(db, &dal).await;
        let last = last_point(&dal, call, &subject).await;
        let subject = call.prepare(db, &dal).await;
        let before = db.dump().await;
        dal.faults().arm(last, Fault::Error);
        let answer = dal
            .transaction(async |tx| {
                let failed = call.within(tx, &subject).await;
                assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
                Ok::<_, Error>(())
            })
            .await;
        let spoiled = matches!(&answer, Err(Error::Poisoned { failure }) if failure.contains(last));
        assert!(spoiled, "{call:?} at {last}: {answer:?}");
        assert_eq!(db.dump().await, before, "{call:?} at {last}");
    }
}

/// The last point of the call at which something can fail, before its commit.
async fn last_point(
    dal: &DAL,
    call: Attempt,
    subject: &<Attempt as Operation>::Subject,
) -> &'static str {
    let _ = dal.faults().take_reached();
    call.on(dal, subject).await.unwrap();
    let points = dal.faults().take_reached();
    points[points.len() - 2]
}
