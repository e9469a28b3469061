//! Every operation of workers is all or nothing, as those by hand are.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use taskbox_test_support::TestDatabase;

mod support {
    pub(crate) mod atomic;
    pub(crate) mod attempt;
    pub(crate) mod prepared;
    pub(crate) mod refusing_trigger;
}

use support::{atomic::assert_atomic, attempt::Attempt};

taskbox_test_support::suite! {
    a_worker_is_made_or_not,
    a_lease_is_renewed_and_the_worker_told_or_not,
    a_worker_goes_and_gives_its_tasks_back_or_not,
    ready_and_due_tasks_are_claimed_or_not,
    a_task_completes_and_its_pipeline_ends_or_not,
    a_task_completes_and_others_are_ready_or_not,
    all_tasks_of_a_call_complete_or_none,
    all_tasks_of_a_call_fail_or_none,
    all_retries_of_a_call_are_scheduled_or_none,
    all_tasks_of_a_call_are_put_off_or_none,
    all_tasks_of_a_call_are_given_back_or_none,
    a_task_fails_and_others_are_skipped_or_not,
    a_retry_is_scheduled_or_not,
    a_retry_is_ready_or_not,
    the_last_attempt_fails_and_its_pipeline_ends_or_not,
    a_task_is_put_off_or_not,
    a_task_is_given_back_or_not,
    a_running_task_is_cancelled_and_its_worker_told_or_not,
    a_dead_workers_tasks_are_taken_back_or_not,
    a_task_is_redriven_and_its_pipeline_reopened_or_not,
    a_graph_is_made_and_moved_or_not,
}

async fn a_worker_is_made_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Register).await;
}

async fn a_lease_is_renewed_and_the_worker_told_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Heartbeat).await;
}

async fn a_worker_goes_and_gives_its_tasks_back_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Deregister).await;
}

async fn ready_and_due_tasks_are_claimed_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Claim).await;
}

async fn a_task_completes_and_its_pipeline_ends_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Complete).await;
}

async fn a_task_completes_and_others_are_ready_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::CompleteOneOfAGraph).await;
}

async fn all_tasks_of_a_call_complete_or_none(db: &TestDatabase) {
    assert_atomic(db, Attempt::CompleteMany).await;
}

async fn all_tasks_of_a_call_fail_or_none(db: &TestDatabase) {
    assert_atomic(db, Attempt::FailMany).await;
}

async fn all_retries_of_a_call_are_scheduled_or_none(db: &TestDatabase) {
    assert_atomic(db, Attempt::RetryMany).await;
}

async fn all_tasks_of_a_call_are_put_off_or_none(db: &TestDatabase) {
    assert_atomic(db, Attempt::DeferMany).await;
}

async fn all_tasks_of_a_call_are_given_back_or_none(db: &TestDatabase) {
    assert_atomic(db, Attempt::ReleaseMany).await;
}

async fn a_task_fails_and_others_are_skipped_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::FailOneOfAGraph).await;
}

async fn a_retry_is_scheduled_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::RetryLater).await;
}

async fn a_retry_is_ready_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::RetryAtOnce).await;
}

async fn the_last_attempt_fails_and_its_pipeline_ends_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::RetryNoMore).await;
}

async fn a_task_is_put_off_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Defer).await;
}

async fn a_task_is_given_back_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Release).await;
}

async fn a_running_task_is_cancelled_and_its_worker_told_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Cancel).await;
}

async fn a_dead_workers_tasks_are_taken_back_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Recover).await;
}

async fn a_task_is_redriven_and_its_pipeline_reopened_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::Redrive).await;
}

async fn a_graph_is_made_and_moved_or_not(db: &TestDatabase) {
    assert_atomic(db, Attempt::CreateGraph).await;
}
