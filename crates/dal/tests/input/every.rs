//! That no operation is left out.

use std::{fs, path::Path};

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

const ACCESSORS: [&str; 6] = [
    "doctor",
    "execution_event",
    "pipeline_execution",
    "task_execution",
    "task_outbox",
    "worker",
];

#[test]
fn every_operation_is_given_hostile_input() {
    for accessor in ACCESSORS {
        let operations = operations(accessor);
        assert!(!operations.is_empty(), "no operation of {accessor}");
        for operation in operations {
            let name = format!("{accessor}.{operation}");
            let called = format!("\"{name}\": ");
            assert!(
                WITHOUT_INPUT.contains(&name.as_str())
                    || TABLES.iter().any(|table| table.contains(&called)),
                "{name} is in none of the tables of this test: add it"
            );
        }
    }
}

/// What an accessor can do, by its source.
fn operations(accessor: &str) -> Vec<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![src.join(format!("{accessor}.rs"))];
    if let Ok(folder) = fs::read_dir(src.join(accessor)) {
        let entries = folder.map(|entry| entry.unwrap().path());
        files.extend(entries.filter(|path| path.is_file()));
    }
    let mut operations = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("    pub async fn ") {
                let end = rest.find(['(', '<']).unwrap();
                operations.push(rest[..end].to_owned());
            }
        }
    }
    operations
}
