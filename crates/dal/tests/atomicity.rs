//! Every operation is all or nothing: whatever fails, at whichever of its statements, every table is as it was.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use taskbox_dal::{DAL, Error, Fault, Result, Tx};
use taskbox_test_support::TestDatabase;

mod support {
    pub(crate) mod operation;
    pub(crate) mod refusing_trigger;
}

use support::{
    operation::{Operation, Subject},
    refusing_trigger::{Refusal, allow, refuse, writes},
};

taskbox_test_support::suite! {
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

async fn assert_atomic(db: &TestDatabase, operation: Operation) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let points = points(db, &dal, operation).await;
    assert_nothing_changes_if_a_point_fails(db, &dal, operation, &points).await;
    assert_done_once_if_tried_again(db, &dal, operation, &points).await;
    assert_nothing_changes_if_the_database_refuses(db, &dal, operation).await;
}

/// The fault points that the operation reaches, from its begin to its commit.
async fn points(db: &TestDatabase, dal: &DAL, operation: Operation) -> Vec<&'static str> {
    let subject = operation.prepare(db, dal).await;
    let _ = dal.faults().take_reached();
    operation.on(dal, &subject).await.unwrap();
    let points = dal.faults().take_reached();
    assert_eq!(points.first(), Some(&"begin"));
    assert_eq!(points.last(), Some(&"commit"));
    points
}

async fn assert_nothing_changes_if_a_point_fails(
    db: &TestDatabase,
    dal: &DAL,
    operation: Operation,
    points: &[&'static str],
) {
    let subject = operation.prepare(db, dal).await;
    let before = db.dump().await;
    for point in points {
        for fault in [Fault::Error, Fault::Panic] {
            dal.faults().arm(*point, fault);
            let failure = try_once(dal, operation, subject).await.unwrap_err();
            let expected = format!("fault injected at {point}");
            if fault == Fault::Error {
                assert!(failure.contains(&expected), "{failure}");
            }
            let after = db.dump().await;
            assert_eq!(after, before, "{operation:?} with {fault:?} at {point}");
        }
    }
    try_once(dal, operation, subject).await.unwrap();
    assert_ne!(db.dump().await, before, "{operation:?} does nothing");
}

/// What the `DAL` does by itself: a transient error is not the caller's to handle.
async fn assert_done_once_if_tried_again(
    db: &TestDatabase,
    dal: &DAL,
    operation: Operation,
    points: &[&'static str],
) {
    let expected = growth_by(db, dal, operation).await;
    for point in points {
        dal.faults().arm(*point, Fault::Error);
        let growth = growth_by(db, dal, operation).await;
        assert_eq!(growth, expected, "{operation:?} failed once at {point}");
        let reached = dal.faults().take_reached();
        let tries = reached.iter().filter(|reached| *reached == point).count();
        assert_eq!(tries, 2, "{point} in {reached:?}");
    }
}

/// By how many rows each table grows if the operation is done, without what prepares it, which reaches no fault.
async fn growth_by(db: &TestDatabase, dal: &DAL, operation: Operation) -> Vec<(&'static str, i64)> {
    let without_faults = DAL::connect(db.url()).await.unwrap();
    let subject = operation.prepare(db, &without_faults).await;
    let before = db.dump().await;
    let _ = dal.faults().take_reached();
    operation.on(dal, &subject).await.unwrap();
    let rows = |table: &Vec<_>| i64::try_from(table.len()).unwrap();
    let growth = |(name, table): (&'static str, _)| (name, rows(&table) - rows(&before[name]));
    db.dump().await.into_iter().map(growth).collect()
}

/// By triggers, so that it is shown without the fault points, too.
async fn assert_nothing_changes_if_the_database_refuses(
    db: &TestDatabase,
    dal: &DAL,
    operation: Operation,
) {
    let subject = operation.prepare(db, dal).await;
    let before = db.dump().await;
    operation.on(dal, &subject).await.unwrap();
    let writes = writes(&before, &db.dump().await);
    assert!(!writes.is_empty(), "{operation:?} writes nothing");

    let subject = operation.prepare(db, dal).await;
    let before = db.dump().await;
    for write in &writes {
        for refusal in Refusal::all(db.backend()) {
            refuse(db, write, *refusal).await;
            let failure = try_once(dal, operation, subject).await.unwrap_err();
            assert!(failure.contains("refused"), "{failure}");
            allow(db, write).await;
            let after = db.dump().await;
            assert_eq!(after, before, "{operation:?} with {refusal:?} of {write:?}");
        }
    }
    try_once(dal, operation, subject).await.unwrap();
}

/// Does the operation in a transaction that is not tried again; a panic counts as a failure.
async fn try_once(dal: &DAL, operation: Operation, subject: Subject) -> Result<(), String> {
    let dal = dal.clone();
    let call = tokio::spawn(async move {
        dal.transaction(async move |tx: &mut Tx<'_>| operation.within(tx, &subject).await)
            .await
    });
    match call.await {
        Ok(result) => result.map_err(|error: Error| error.to_string()),
        Err(panic) => Err(panic.to_string()),
    }
}
