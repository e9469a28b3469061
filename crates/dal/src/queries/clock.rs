//! No statement asks for a time that stands still: only the clock as it is decides anything.

use std::{fs, path::Path};

/// What is the time of the transaction's or of the statement's beginning, or of a session's zone.
const STILL: [&str; 9] = [
    "now()",
    "'now'",
    "current_date",
    "current_time",
    "datetime(",
    "julianday(",
    "localtime",
    "statement_timestamp",
    "transaction_timestamp",
];

/// Files with this ending in the folder and those below, each with its text in small letters.
fn texts(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.extension() {
            None if path.is_dir() => texts(&path, ending),
            Some(found) if found == ending => {
                let text = fs::read_to_string(&path).unwrap().to_lowercase();
                vec![(path.display().to_string(), text)]
            }
            _ => Vec::new(),
        })
        .collect()
}

fn assert_asks_the_clock(folder: &str, ending: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let texts = texts(&folder, ending);
    assert!(!texts.is_empty(), "nothing to read in {}", folder.display());
    for (path, text) in texts {
        let found: Vec<_> = STILL.iter().filter(|it| text.contains(**it)).collect();
        assert!(found.is_empty(), "{path} asks by {found:?}");
    }
}

#[test]
fn no_statement_asks_when_its_transaction_began() {
    assert_asks_the_clock("src/queries/snapshots", "snap");
}

#[test]
fn no_default_asks_when_its_transaction_began() {
    assert_asks_the_clock("../../migrations", "sql");
}
