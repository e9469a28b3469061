//! The database that the commands work on.

use std::path::Path;

use taskbox_dal::DAL;

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
            "the database lacks {} of this version of Taskbox; run `taskbox migrate`",
            match pending.len() {
                1 => "a migration".to_owned(),
                number => format!("{number} migrations"),
            }
        )))
    }

    /// Connects to a database that is there, whatever tables it has.
    pub(crate) async fn connect_to_any(&self) -> Result<DAL> {
        let url = self.url()?;
        if let Some(path) = sqlite_path(url)
            && !Path::new(path).exists()
        {
            return Err(Error::Failed(format!(
                "there is no file {path}; `taskbox migrate` makes one, with the tables of Taskbox"
            )));
        }
        Ok(DAL::connect(url).await?)
    }

    /// Connects; a `SQLite` file is made if it is missing.
    pub(crate) async fn connect_or_make(&self) -> Result<DAL> {
        Ok(DAL::connect(self.url()?).await?)
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
