//! Finding Postgres's server programs, which are rarely on the search path.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt;

/// The folder of `initdb`, `postgres` and `pg_isready`.
pub(crate) struct ServerPrograms {
    folder: PathBuf,
}

/// Where packages put their versions side by side: the folder, and what stands before the number.
const INSTALLATIONS: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

impl ServerPrograms {
    /// The folder named by `PG_BIN`, else the first that has them, else what apt installs.
    pub(crate) fn find_or_install() -> Result<Self> {
        if let Some(folder) = env::var_os("PG_BIN") {
            return Self::chosen(folder.into());
        }
        if let Some(folder) = candidates().find(|folder| is_complete(folder)) {
            return Ok(Self::at(folder));
        }
        apt::install(
            "postgresql",
            "Postgres's server (`initdb`; PG_BIN can name its folder)",
        )?;
        candidates()
            .find(|folder| is_complete(folder))
            .map(Self::at)
            .context("the package postgresql brought no `initdb`: name its folder in PG_BIN")
    }

    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn chosen(folder: PathBuf) -> Result<Self> {
        if !is_complete(&folder) {
            bail!(
                "PG_BIN is {}, which has no `initdb`: name the folder of Postgres's server programs, or unset PG_BIN",
                folder.display()
            );
        }
        Ok(Self::at(folder))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn command(&self, name: &str) -> Command {
        Command::new(self.path(name))
    }
}

fn candidates() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = env::split_paths(&path).collect();
    configured()
        .into_iter()
        .chain(
            INSTALLATIONS
                .into_iter()
                .flat_map(|(parent, prefix)| newest_first(parent.as_ref(), prefix)),
        )
        .chain(on_path)
}

/// Only the server's package has them all: `pg_config` and `pg_isready` also come without it.
fn is_complete(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_isready"]
        .iter()
        .all(|name| folder.join(name).is_file())
}

fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    Some(folder.trim().into())
}

fn newest_first(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            Some((
                version(entry.file_name().to_str()?, prefix)?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, folder)| folder).collect()
}

fn version(name: &str, prefix: &str) -> Option<Vec<u32>> {
    let numbers = name.strip_prefix(prefix)?.split('.');
    numbers.map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first_by_number() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["pg-9.6", "pg-15", "pg-16", "pg-common", "16"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let found = newest_first(parent.path(), "pg-");
        let expected =
            ["pg-16/bin", "pg-15/bin", "pg-9.6/bin"].map(|name| parent.path().join(name));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_parent_that_is_missing_has_no_versions() {
        assert!(newest_first("/no/such/folder".as_ref(), "").is_empty());
    }

    #[test]
    fn client_programs_alone_are_not_a_server() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pg_isready"), "").unwrap();
        assert!(!is_complete(folder.path()));
        assert!(ServerPrograms::chosen(folder.path().into()).is_err());
    }
}
