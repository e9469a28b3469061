//! An operation changes everything or nothing, whichever of its statements fails.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod lifecycle;
    pub(crate) mod operation;
}

use std::collections::BTreeSet;

use support::operation::{OPERATIONS, Operation, Subject};
use taskbox_dal::{DAL, Fault, Result};
use taskbox_test_support::{Backend, TestDatabase};

taskbox_test_support::suite! {
    a_statement_that_fails_takes_the_whole_operation_with_it,
    a_panic_between_two_statements_takes_the_whole_operation_with_it,
    a_passing_failure_is_tried_again_and_counts_once,
    a_table_that_refuses_takes_the_whole_operation_with_it,
}

async fn a_statement_that_fails_takes_the_whole_operation_with_it(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    for operation in OPERATIONS {
        for point in points(db, &dal, operation).await {
            let subject = operation.prepare(db, &dal).await;
            let before = db.dump().await;
            dal.faults().arm(point, Fault::Error);
            let error = run(&dal, operation, subject).await.unwrap_err().to_string();
            assert!(error.contains(point), "{operation:?} at {point}: {error}");
            assert_eq!(db.dump().await, before, "{operation:?} at {point}");
            run(&dal, operation, subject).await.unwrap();
        }
    }
}

async fn a_panic_between_two_statements_takes_the_whole_operation_with_it(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    for operation in OPERATIONS {
        for point in points(db, &dal, operation).await {
            let subject = operation.prepare(db, &dal).await;
            let before = db.dump().await;
            dal.faults().arm(point, Fault::Panic);
            let doomed = dal.clone();
            // On SQLite a statement panics on a thread of its own, and the caller gets an error.
            let outcome = tokio::spawn(async move { run(&doomed, operation, subject).await }).await;
            assert!(!matches!(outcome, Ok(Ok(()))), "{operation:?} at {point}");
            assert_eq!(db.dump().await, before, "{operation:?} at {point}");
            run(&dal, operation, subject).await.unwrap();
        }
    }
}

// The invariants that are checked at the end of each test allow one event for each transition.
async fn a_passing_failure_is_tried_again_and_counts_once(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    for operation in OPERATIONS {
        for point in points(db, &dal, operation).await {
            let subject = operation.prepare(db, &dal).await;
            let _ = dal.faults().take_reached();
            dal.faults().arm(point, Fault::Error);
            dal.transaction_with_retry(async |tx| operation.run(tx, subject).await)
                .await
                .unwrap();
            let tries = dal.faults().take_reached();
            let begun = tries.iter().filter(|reached| **reached == "begin").count();
            assert_eq!(begun, 2, "{operation:?} at {point}: {tries:?}");
        }
    }
}

async fn a_table_that_refuses_takes_the_whole_operation_with_it(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    for operation in OPERATIONS {
        let mut refused = BTreeSet::new();
        for table in db.dump().await.into_keys() {
            let subject = operation.prepare(db, &dal).await;
            let before = db.dump().await;
            db.execute(&refuse(db.backend(), table)).await;
            let result = run(&dal, operation, subject).await;
            let after = db.dump().await;
            db.execute(&admit(db.backend(), table)).await;
            if result.is_err() {
                refused.insert(table);
                assert_eq!(after, before, "{operation:?} with {table} refusing");
                run(&dal, operation, subject).await.unwrap();
            } else {
                assert_eq!(after[table], before[table], "{operation:?}");
            }
        }
        let expected: BTreeSet<_> = operation.tables().iter().copied().collect();
        assert_eq!(refused, expected, "{operation:?}");
    }
}

async fn run(dal: &DAL, operation: Operation, subject: Subject) -> Result<()> {
    dal.transaction(async |tx| operation.run(tx, subject).await)
        .await
}

/// The fault points that an operation passes, those of its transaction included.
async fn points(db: &TestDatabase, dal: &DAL, operation: Operation) -> BTreeSet<&'static str> {
    let subject = operation.prepare(db, dal).await;
    let _ = dal.faults().take_reached();
    run(dal, operation, subject).await.unwrap();
    let points: BTreeSet<_> = dal.faults().take_reached().into_iter().collect();
    assert!(points.len() >= 3, "{operation:?} passes only {points:?}");
    points
}

const CHANGES: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// Makes a table refuse every change.
fn refuse(backend: Backend, table: &str) -> String {
    match backend {
        Backend::Postgres => format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION refuse()"
        ),
        Backend::Sqlite => CHANGES
            .map(|change| {
                format!(
                    "CREATE TRIGGER refuse_{change} BEFORE {change} ON {table}
BEGIN SELECT RAISE(ABORT, 'refused'); END;"
                )
            })
            .concat(),
    }
}

/// Undoes [`refuse`].
fn admit(backend: Backend, table: &str) -> String {
    match backend {
        Backend::Postgres => format!("DROP TRIGGER refuse ON {table}"),
        Backend::Sqlite => CHANGES
            .map(|change| format!("DROP TRIGGER refuse_{change};"))
            .concat(),
    }
}
