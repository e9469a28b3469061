//! Every operation is all or nothing: whatever fails, at whichever of its statements, every table is as it was.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use taskbox_test_support::TestDatabase;

mod support {
    pub(crate) mod atomic;
    pub(crate) mod operation;
    pub(crate) mod prepared;
    pub(crate) mod refusing_trigger;
}

use support::{atomic::assert_atomic, operation::Operation};

taskbox_test_support::suite! {
    both: [
        a_pipeline_is_made_or_not,
        tasks_are_made_and_their_pipeline_reopened_or_not,
        a_task_is_ready_and_its_pipeline_started_or_not,
        a_row_left_in_the_outbox_becomes_that_of_a_ready_task_or_not,
        all_tasks_of_a_call_are_ready_or_none,
        a_task_is_scheduled_or_not,
        a_task_is_skipped_and_its_pipeline_ended_or_not,
        a_ready_task_is_cancelled_and_its_pipeline_ended_or_not,
        a_scheduled_task_is_cancelled_and_its_pipeline_ended_or_not,
        a_row_is_put_into_the_outbox_or_not,
        a_row_is_deleted_from_the_outbox_or_not,
        the_row_of_a_task_is_deleted_from_the_outbox_or_not,
        old_rows_are_deleted_from_the_outbox_or_not,
        old_events_are_deleted_or_not,
        a_pipeline_is_paused_and_its_tasks_held_or_not,
        a_pipeline_is_resumed_and_its_tasks_let_go_or_not,
        a_pipeline_is_cancelled_with_its_tasks_or_not,
        an_empty_pipeline_is_cancelled_or_not,
        what_has_ended_is_pruned_with_its_history_or_not,
        a_task_that_is_not_in_the_outbox_is_put_back_or_not,
    ],
    postgres: [events_of_another_server_are_adopted_or_not],
}

async fn a_pipeline_is_made_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::CreatePipeline).await;
}

async fn tasks_are_made_and_their_pipeline_reopened_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::CreateTasks).await;
}

async fn a_task_is_ready_and_its_pipeline_started_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::MarkReady).await;
}

async fn a_row_left_in_the_outbox_becomes_that_of_a_ready_task_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::MarkReadyAgain).await;
}

async fn all_tasks_of_a_call_are_ready_or_none(db: &TestDatabase) {
    assert_atomic(db, Operation::MarkReadyMany).await;
}

async fn a_task_is_scheduled_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::Schedule).await;
}

async fn a_task_is_skipped_and_its_pipeline_ended_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::Skip).await;
}

async fn a_ready_task_is_cancelled_and_its_pipeline_ended_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::Cancel).await;
}

async fn a_scheduled_task_is_cancelled_and_its_pipeline_ended_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::CancelScheduled).await;
}

async fn a_row_is_put_into_the_outbox_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::CreateRow).await;
}

async fn a_row_is_deleted_from_the_outbox_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::DeleteRow).await;
}

async fn the_row_of_a_task_is_deleted_from_the_outbox_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::DeleteRowByTask).await;
}

async fn old_rows_are_deleted_from_the_outbox_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::DeleteOldRows).await;
}

async fn old_events_are_deleted_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::DeleteOldEvents).await;
}

async fn a_pipeline_is_paused_and_its_tasks_held_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::PausePipeline).await;
}

async fn a_pipeline_is_resumed_and_its_tasks_let_go_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::ResumePipeline).await;
}

async fn a_pipeline_is_cancelled_with_its_tasks_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::CancelPipeline).await;
}

async fn an_empty_pipeline_is_cancelled_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::CancelEmptyPipeline).await;
}

async fn what_has_ended_is_pruned_with_its_history_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::Prune).await;
}

async fn a_task_that_is_not_in_the_outbox_is_put_back_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::Mend).await;
}

async fn events_of_another_server_are_adopted_or_not(db: &TestDatabase) {
    assert_atomic(db, Operation::AdoptEvents).await;
}
