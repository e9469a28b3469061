//! All or nothing: whatever fails, at whichever statement of an operation, every table is as it was.

use taskbox_dal::{DAL, Error, Fault, Result, Tx};
use taskbox_test_support::TestDatabase;

use super::prepared::Operation;
use super::refusing_trigger::{Refusal, allow, refuse, writes};

pub(crate) async fn assert_atomic(db: &TestDatabase, operation: impl Operation) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let points = points(db, &dal, operation).await;
    assert_nothing_changes_if_a_point_fails(db, &dal, operation, &points).await;
    assert_done_once_if_tried_again(db, &dal, operation, &points).await;
    assert_nothing_changes_if_the_database_refuses(db, &dal, operation).await;
}

/// The fault points that the operation reaches, from its begin to its commit.
async fn points(db: &TestDatabase, dal: &DAL, operation: impl Operation) -> Vec<&'static str> {
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
    operation: impl Operation,
    points: &[&'static str],
) {
    let subject = operation.prepare(db, dal).await;
    let before = db.dump().await;
    for (index, point) in points.iter().enumerate() {
        for fault in [Fault::Error, Fault::Panic] {
            arm(dal, points, index, fault);
            let failure = try_once(dal, operation, &subject).await.unwrap_err();
            let expected = format!("fault injected at {point}");
            if fault == Fault::Error {
                assert!(failure.contains(&expected), "{failure}");
            }
            let after = db.dump().await;
            assert_eq!(after, before, "{operation:?} with {fault:?} at {point}");
        }
    }
    try_once(dal, operation, &subject).await.unwrap();
    assert_ne!(db.dump().await, before, "{operation:?} does nothing");
}

/// What the `DAL` does by itself: a transient error is not the caller's to handle.
async fn assert_done_once_if_tried_again(
    db: &TestDatabase,
    dal: &DAL,
    operation: impl Operation,
    points: &[&'static str],
) {
    let expected = growth_by(db, dal, operation).await;
    for (index, point) in points.iter().enumerate() {
        arm(dal, points, index, Fault::Error);
        let growth = growth_by(db, dal, operation).await;
        assert_eq!(growth, expected, "{operation:?} failed once at {point}");
        let reached = dal.faults().take_reached();
        let tries = reached.iter().filter(|reached| **reached == "begin");
        assert_eq!(tries.count(), 2, "{point} in {reached:?}");
    }
}

/// Arms one of the points in their order, of which some are reached several times.
fn arm(dal: &DAL, points: &[&'static str], index: usize, fault: Fault) {
    let point = points[index];
    let passes = points[..index].iter().filter(|before| **before == point);
    dal.faults().arm_after(passes.count(), point, fault);
}

/// By how many rows each table grows if the operation is done, without what prepares it, which reaches no fault.
async fn growth_by(
    db: &TestDatabase,
    dal: &DAL,
    operation: impl Operation,
) -> Vec<(&'static str, i64)> {
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
    operation: impl Operation,
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
            let failure = try_once(dal, operation, &subject).await.unwrap_err();
            assert!(failure.contains("refused"), "{failure}");
            allow(db, write).await;
            let after = db.dump().await;
            assert_eq!(after, before, "{operation:?} with {refusal:?} of {write:?}");
        }
    }
    try_once(dal, operation, &subject).await.unwrap();
}

/// Does the operation in a transaction that is not tried again; a panic counts as a failure.
async fn try_once<O: Operation>(
    dal: &DAL,
    operation: O,
    subject: &O::Subject,
) -> Result<(), String> {
    let (dal, subject) = (dal.clone(), subject.clone());
    let call = tokio::spawn(async move {
        dal.transaction(async move |tx: &mut Tx<'_>| operation.within(tx, &subject).await)
            .await
    });
    match call.await {
        Ok(result) => result.map_err(|error: Error| error.to_string()),
        Err(panic) => Err(panic.to_string()),
    }
}
