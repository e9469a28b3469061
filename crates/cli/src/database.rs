//! The database that the commands work on.

use std::{path::Path, time::Duration};

use taskbox_dal::{DAL, DALBuilder};
use tempfile::TempDir;

use crate::{Error, Result, arguments::Database};

impl Database {
    /// Connects to a database that has the tables as this program knows them.
    pub(crate) async fn connect(&self) -> Result<DAL> {
        let dal = self.connect_to_any().await?;
        let pending = dal.pending_migrations().await?;
        if pending.is_empty() {
            return Ok(dal);
        }
        Err(Error::Failed(format!(
            "{} lacks {} of this version of Taskbox; run `{}`",
            match &self.schema {
                Some(schema) => format!("the schema {schema}"),
                None => "the database".to_owned(),
            },
            match pending.len() {
                1 => "a migration".to_owned(),
                number => format!("{number} migrations"),
            },
            self.migrate_command()
        )))
    }

    /// Connects to a database that is there, whatever tables it has.
    pub(crate) async fn connect_to_any(&self) -> Result<DAL> {
        self.open(self.existing()?).await
    }

    /// The same, for calls that may take so long each.
    pub(crate) async fn connect_within(&self, deadline: Duration) -> Result<DAL> {
        let builder = self.builder(self.existing()?).deadline(deadline);
        Ok(builder.connect().await?)
    }

    /// The URL, of a database that may be there.
    fn existing(&self) -> Result<&str> {
        let url = self.url()?;
        match sqlite_path(url) {
            Some(path) if !Path::new(path).exists() => Err(Error::Failed(format!(
                "there is no file {path}; `taskbox migrate` makes one, with the tables of Taskbox"
            ))),
            _ => Ok(url),
        }
    }

    /// Connects; a `SQLite` file is made if it is missing.
    pub(crate) async fn connect_or_make(&self) -> Result<DAL> {
        self.open(self.url()?).await
    }

    /// Connects to the database of this URL, in the schema that was named.
    pub(crate) async fn open(&self, url: &str) -> Result<DAL> {
        Ok(self.builder(url).connect().await?)
    }

    /// The settings to connect with to the database of this URL, in the schema that was named.
    pub(crate) fn builder(&self, url: &str) -> DALBuilder {
        let builder = DAL::builder(url);
        match &self.schema {
            Some(schema) => builder.schema(schema),
            None => builder,
        }
    }

    /// The URL that was given; or else that of a `SQLite` file in a new folder, both named after the command, and the
    /// folder, which is removed with this value.
    pub(crate) fn url_or_temporary(&self, command: &str) -> Result<(String, Option<TempDir>)> {
        if let Some(url) = &self.url {
            return Ok((url.clone(), None));
        }
        let folder = tempfile::Builder::new()
            .prefix(&format!("taskbox-{command}-"))
            .tempdir()
            .map_err(|source| Error::Failed(format!("cannot make a temporary folder: {source}")))?;
        let url = format!("sqlite://{}/{command}.db", folder.path().display());
        Ok((url, Some(folder)))
    }

    /// What makes the tables that are missing here.
    pub(crate) fn migrate_command(&self) -> String {
        match &self.schema {
            Some(schema) => format!("taskbox migrate --schema {schema}"),
            None => "taskbox migrate".to_owned(),
        }
    }

    /// The name of a table or an index as SQL finds it from wherever it looks.
    pub(crate) fn qualified(&self, name: &str) -> String {
        match &self.schema {
            Some(schema) => format!("\"{schema}\".{name}"),
            None => name.to_owned(),
        }
    }

    fn url(&self) -> Result<&str> {
        self.url.as_deref().ok_or_else(|| {
            Error::Usage(
                "no database: give --database-url or set DATABASE_URL, as sqlite://tasks.db or \
                 postgres://user@host/database"
                    .to_owned(),
            )
        })
    }
}

/// The file of a `SQLite` URL that has no other fault.
fn sqlite_path(url: &str) -> Option<&str> {
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"))?;
    let is_a_file = !path.is_empty() && !path.contains(['?', '\0']) && !path.contains(":memory:");
    is_a_file.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::sqlite_path;

    #[test]
    fn only_urls_of_files_have_a_path() {
        assert_eq!(sqlite_path("sqlite://a/b.db"), Some("a/b.db"));
        assert_eq!(sqlite_path("sqlite:b.db"), Some("b.db"));
        for other in [
            "postgres://u:p@h/d",
            "sqlite://",
            "sqlite::memory:",
            "sqlite://a?b",
        ] {
            assert_eq!(sqlite_path(other), None);
        }
    }
}
