//! That no operation is left out.

use crate::accessors::operations;

/// Those that take nothing.
const WITHOUT_INPUT: [&str; 7] = [
    "doctor.indexes",
    "doctor.rows",
    "doctor.wal_bytes",
    "task_execution.count_live",
    "task_execution.next_due",
    "task_outbox.count_pending",
    "task_outbox.depths",
];

/// The files with the tables of calls.
const TABLES: [&str; 5] = [
    include_str!("ids.rs"),
    include_str!("json.rs"),
    include_str!("many.rs"),
    include_str!("numbers.rs"),
    include_str!("texts.rs"),
];

#[test]
fn every_operation_is_given_hostile_input() {
    for (accessor, operation) in operations() {
        let name = format!("{accessor}.{operation}");
        let called = format!("\"{name}\": ");
        assert!(
            WITHOUT_INPUT.contains(&name.as_str())
                || TABLES.iter().any(|table| table.contains(&called)),
            "{name} is in none of the tables of this test: add it"
        );
    }
}
