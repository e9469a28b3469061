//! Each rule of the invariants can be broken, and then is named with the task or the pipeline that breaks it.

use taskbox_test_support::{TestDatabase, invariants, suite};

mod history;
mod pipelines;
mod placed;
mod recorded;
mod said;
mod whole;

use whole::{UUIDS, expand};

async fn a_whole_database_breaks_no_rule(db: &TestDatabase) {
    whole::make(db).await;
    assert_eq!(invariants::broken(db).await, [""; 0]);
}

async fn an_empty_database_breaks_no_rule(db: &TestDatabase) {
    assert_eq!(invariants::broken(db).await, [""; 0]);
}

suite! { a_whole_database_breaks_no_rule, an_empty_database_breaks_no_rule }

/// Breaks a whole database by SQL, in which `@ready` is the id of the task so called, and expects the rule to be
/// named for one of them.
async fn assert_named(db: &TestDatabase, sql: &str, rule: &str, subject: &str) {
    db.is_broken_on_purpose();
    whole::make(db).await;
    db.execute(&expand(db, sql)).await;
    let broken = invariants::broken(db).await;
    let (_, id) = UUIDS
        .iter()
        .find(|(name, _)| *name == subject)
        .expect("the whole database has it");
    let expected = format!("{rule}: {id}");
    assert!(broken.contains(&expected), "{expected}\nnot in {broken:#?}");
}

/// SQL that takes a table's constraints away, and leaves what they kept in `constrained`.
fn unconstrain(table: &str) -> String {
    format!(
        "ALTER TABLE {table} RENAME TO constrained;
CREATE TABLE {table} AS SELECT * FROM constrained;"
    )
}
