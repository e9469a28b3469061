//! That no operation is left out.

use crate::support::accessors::operations;

/// The files with the calls that are dropped.
const CALLS: [&str; 3] = [
    include_str!("../support/attempt.rs"),
    include_str!("../support/operation.rs"),
    include_str!("../support/read.rs"),
];

/// Those that another is made of, or that another has as a part.
const PARTS: [(&str, &str); 3] = [
    ("task_execution.create", "create_many"),
    ("task_execution.claim_from", "claim"),
    ("task_execution.schedule_retry", "schedule_retry"),
];

#[test]
fn every_operation_is_dropped_at_every_poll() {
    let text: String = CALLS.concat().split_whitespace().collect();
    for (accessor, operation) in operations() {
        let name = format!("{accessor}.{operation}");
        let part = PARTS.iter().find(|(part, _)| *part == name);
        let called = match part {
            Some((_, whole)) => format!(".{whole}("),
            None => format!(".{accessor}().{operation}("),
        };
        assert!(
            text.contains(&called),
            "{name} is in none of the tables of this test: add it"
        );
    }
}
