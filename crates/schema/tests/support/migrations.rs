//! The folders of migrations.

use std::{fs, path::PathBuf};

use super::repository::root;

/// The migrations of a backend, in the order in which they run.
pub(crate) fn of(backend: &str) -> Vec<PathBuf> {
    let folder = root().join("migrations").join(backend);
    let entries = fs::read_dir(folder).unwrap();
    let mut migrations: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    migrations.sort();
    migrations
}

/// What all of them do, as one script.
pub(crate) fn script(backend: &str) -> String {
    of(backend)
        .iter()
        .map(|migration| fs::read_to_string(migration.join("up.sql")).unwrap())
        .collect()
}
