use std::{io::Write, time::Duration};

use clap::Args;
use taskbox_dal::DAL;
use tokio::time::{MissedTickBehavior, interval};

use super::status::Found;
use crate::{
    Result,
    arguments::{Database, Form},
    duration::seconds,
    output::{Output, json_line},
    text,
};

/// Show the status again and again, until Ctrl-C
///
/// With --json, each is one line. A database that cannot be read for a while is no end of it.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// How long to wait in between, in seconds: 0.1 or more
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    every: Duration,
    /// How often to show it, instead of until Ctrl-C
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    times: Option<u64>,
    #[command(flatten)]
    form: Form,
}

/// How many workers are shown.
const WORKERS: i64 = 20;
/// What clears a terminal. Where there is none, the output leaves it out.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

impl Watch {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let mut ticks = interval(self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut left = self.times;
        while left != Some(0) {
            ticks.tick().await;
            self.show(&dal, out).await?;
            left = left.map(|left| left - 1);
        }
        Ok(())
    }

    async fn show(&self, dal: &DAL, out: &mut Output) -> Result<()> {
        let found = async { Ok((dal.now().await?, Found::load(dal, WORKERS).await?)) };
        match found.await {
            Ok((_, found)) if self.form.json => json_line(out, &found.report())?,
            Ok((now, found)) => {
                writeln!(out, "{CLEAR}{} UTC\n", text::time(now))?;
                found.write(out)?;
                writeln!(out)?;
            }
            Err(error) if taskbox_dal::Error::is_transient(&error) => {
                writeln!(
                    std::io::stderr(),
                    "error: {}",
                    text::one_line(&error.to_string())
                )?;
            }
            Err(error) => return Err(error.into()),
        }
        out.flush()?;
        Ok(())
    }
}
