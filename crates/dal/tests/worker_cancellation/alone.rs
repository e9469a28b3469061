//! A call that is dropped at any poll leaves no transaction, no lock and no lost place in the pool behind.

use taskbox_dal::DAL;
use taskbox_test_support::TestDatabase;

use crate::support::{
    attempt::Attempt,
    left::assert_nothing_is_left,
    one_thread::on_one_thread,
    poll::{Moment, poll_times},
    prepared::Operation as _,
};

taskbox_test_support::suite! {
    register_can_be_dropped_at_any_poll,
    heartbeat_can_be_dropped_at_any_poll,
    deregister_can_be_dropped_at_any_poll,
    claim_can_be_dropped_at_any_poll,
    complete_can_be_dropped_at_any_poll,
    complete_many_can_be_dropped_at_any_poll,
    fail_can_be_dropped_at_any_poll,
    schedule_retry_can_be_dropped_at_any_poll,
    the_last_retry_can_be_dropped_at_any_poll,
    defer_can_be_dropped_at_any_poll,
    release_can_be_dropped_at_any_poll,
    cancel_can_be_dropped_at_any_poll,
    recover_expired_can_be_dropped_at_any_poll,
    redrive_can_be_dropped_at_any_poll,
    claim_can_be_dropped_at_any_poll_of_one_thread,
    complete_can_be_dropped_at_any_poll_of_one_thread,
    recover_expired_can_be_dropped_at_any_poll_of_one_thread,
}

async fn register_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::Register).await;
}

async fn heartbeat_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::Heartbeat).await;
}

async fn deregister_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::Deregister).await;
}

async fn claim_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::Claim).await;
}

async fn complete_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::CompleteOneOfAGraph).await;
}

async fn complete_many_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::CompleteMany).await;
}

async fn fail_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::FailOneOfAGraph).await;
}

async fn schedule_retry_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::RetryLater).await;
}

async fn the_last_retry_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::RetryNoMore).await;
}

async fn defer_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::Defer).await;
}

async fn release_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::Release).await;
}

async fn cancel_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::Cancel).await;
}

async fn recover_expired_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::Recover).await;
}

async fn redrive_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, Attempt::Redrive).await;
}

async fn claim_can_be_dropped_at_any_poll_of_one_thread(db: &TestDatabase) {
    on_one_thread(drop_everywhere(db, Attempt::Claim));
}

async fn complete_can_be_dropped_at_any_poll_of_one_thread(db: &TestDatabase) {
    on_one_thread(drop_everywhere(db, Attempt::CompleteOneOfAGraph));
}

async fn recover_expired_can_be_dropped_at_any_poll_of_one_thread(db: &TestDatabase) {
    on_one_thread(drop_everywhere(db, Attempt::Recover));
}

/// Drops the call after 1, 2, 3 … polls until it is done by then, on connections that are cold and on warm ones.
async fn drop_everywhere(db: &TestDatabase, call: Attempt) {
    let dal = DAL::builder(db.url()).pool_size(2).connect().await.unwrap();
    for moment in Moment::BOTH {
        // On lucky threads a statement is done at the first poll, and there is nothing to drop.
        while drop_until_done(db, &dal, call, moment).await == 0 {}
    }
}

/// Answers how often it was dropped.
async fn drop_until_done(db: &TestDatabase, dal: &DAL, call: Attempt, moment: Moment) -> usize {
    let mut polls = 0;
    loop {
        polls += 1;
        let subject = call.prepare(db, dal).await;
        let done = poll_times(polls, moment, call.on(dal, &subject)).await;
        assert_nothing_is_left(db, dal).await;
        if let Some(answer) = done {
            answer.unwrap();
            return polls - 1;
        }
    }
}
