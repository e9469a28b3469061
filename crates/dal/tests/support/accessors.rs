//! What the accessors can do, by their source: for tests that must leave no operation out.

use std::{fs, path::Path};

const ACCESSORS: [&str; 6] = [
    "doctor",
    "execution_event",
    "pipeline_execution",
    "task_execution",
    "task_outbox",
    "worker",
];

/// Every operation, as its accessor and its name.
pub(crate) fn operations() -> Vec<(&'static str, String)> {
    let of = |accessor| {
        operations_of(accessor)
            .into_iter()
            .map(move |name| (accessor, name))
    };
    ACCESSORS.into_iter().flat_map(of).collect()
}

fn operations_of(accessor: &str) -> Vec<String> {
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
    assert!(!operations.is_empty(), "no operation of {accessor}");
    operations
}
