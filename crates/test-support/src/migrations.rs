//! The project's migrations, as files: what a test's database is made of.

use std::fmt::Write;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::Backend;

/// Diesel's own record of what it ran, so that a database made here is one that `migrate()` finds done.
const JOURNAL: &str = "CREATE TABLE __diesel_schema_migrations (
    version VARCHAR(50) PRIMARY KEY NOT NULL,
    run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);\n";

/// All of a backend's migrations as one script.
pub(crate) fn script(backend: Backend) -> String {
    let mut script = JOURNAL.to_owned();
    for folder in folders(&root().join(backend.as_str())) {
        script.push_str(&read(&folder.join("up.sql")));
        let version = version(&folder);
        writeln!(
            script,
            ";\nINSERT INTO __diesel_schema_migrations (version) VALUES ('{version}');"
        )
        .expect("a String takes what is written to it");
    }
    script
}

/// A number that changes with the script.
pub(crate) fn fingerprint(script: &str) -> String {
    let mut hasher = DefaultHasher::new();
    script.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations")
}

/// In the order in which they run.
fn folders(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root)
        .unwrap_or_else(|error| panic!("there are no migrations in {}: {error}", root.display()));
    let mut folders: Vec<_> = entries
        .map(|entry| entry.expect("a folder that opened can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn read(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// What Diesel calls it: the folder's name up to the underscore, without the hyphens.
fn version(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.split('_').next().unwrap_or_default().replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_backends_have_the_same_migrations() {
        let names = |backend: Backend| -> Vec<_> {
            folders(&root().join(backend.as_str()))
                .iter()
                .map(|folder| folder.file_name().map(ToOwned::to_owned))
                .collect()
        };
        assert_eq!(names(Backend::Postgres), names(Backend::Sqlite));
    }

    #[test]
    fn a_version_is_what_diesel_makes_of_the_folder() {
        let folder = Path::new("migrations/2026-11-23-000001_pipeline_executions");
        assert_eq!(version(folder), "20261123000001");
    }
}
