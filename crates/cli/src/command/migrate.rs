use std::io::Write;

use clap::Args;

use crate::{Error, Result, arguments::Database, output::Output, text};

/// Make the tables of Taskbox, or bring them up to date
///
/// Runs the migrations that the database does not have yet, in one transaction and under a lock. A SQLite file and a
/// schema are made if they are missing.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Change nothing: print which migrations are pending, and exit with 3 if some are
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        if self.check {
            return check(database, out).await;
        }
        let applied = database.connect_or_make().await?.migrate().await?;
        for version in &applied {
            writeln!(out, "{version}")?;
        }
        match applied.len() as i128 {
            0 => writeln!(out, "nothing to do: the database has every migration")?,
            number => writeln!(out, "{} applied", text::count(number, "migration"))?,
        }
        Ok(())
    }
}

async fn check(database: &Database, out: &mut Output) -> Result<()> {
    let pending = database
        .connect_to_any()
        .await?
        .pending_migrations()
        .await?;
    for version in &pending {
        writeln!(out, "{version}")?;
    }
    match pending.len() as i128 {
        0 => Ok(writeln!(out, "nothing is pending")?),
        number => Err(Error::Refused(format!(
            "{} pending; run `{}`",
            text::count(number, "migration"),
            database.migrate_command()
        ))),
    }
}
