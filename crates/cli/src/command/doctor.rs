mod check;
mod examination;
mod finding;
mod repair;

use std::time::Duration;

use clap::Args;

use crate::{Result, arguments::Database, output::Output};
use examination::Examination;
use repair::Repair;

/// Look for what goes wrong in the field, and say what to do about it
///
/// Changes nothing without --repair. Looks at the settings, the clocks, the indexes, old rows and old transactions; at
/// who takes what is ready; and whether every task is where its status says. For that it reads all tasks and pipelines,
/// and on SQLite the whole file: a check that takes longer than --within is given up, and says so.
///
/// Exits with 3 if something is broken, to be warned of, or could not be checked.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Mend what can be mended, in one transaction, after asking; then look again
    #[arg(long)]
    repair: bool,
    /// Do not ask
    #[arg(long, requires = "repair")]
    yes: bool,
    /// How many seconds each check may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    within: u64,
    /// Print JSON instead of text
    #[arg(long, conflicts_with = "repair")]
    json: bool,
}

impl Doctor {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let deadline = Duration::from_secs(self.within);
        let dal = database.connect_within(deadline).await?;
        let mut found = Examination::of(&dal, database).await;
        if self.json {
            found.write_json(out)?;
            return found.judge();
        }
        found.write(out)?;
        if self.repair && Repair::of(&found).run(&dal, self.yes, out).await? {
            found = Examination::of(&dal, database).await;
            found.write(out)?;
        }
        found.judge()
    }
}
