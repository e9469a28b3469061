//! Sees on SQLite what other programs made ready: by a thread that looks at the file again and again,
//! and on Linux only while it is written to.
//!
//! `PRAGMA data_version` reads a few bytes of memory that the programs share, and takes no lock that anyone waits for.

use std::{
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use diesel::SqliteConnection;
use tokio::time::Instant;

use super::{Ear, pace::Pace, writes::Writes};
use crate::{
    Error, Result,
    backend::sqlite::{self, Pool},
    queries::wakeup::sqlite::{Work, version, work},
};

/// Between two attempts to open the file.
const PAUSE: Duration = Duration::from_secs(1);

/// Begins to watch the file of the pool, until nobody listens any more.
pub(crate) async fn watch(pool: Pool, ear: Arc<Ear>) {
    let mut is_reported = false;
    while let Err(error) = begin(&pool, &ear).await {
        if !std::mem::replace(&mut is_reported, true) {
            tracing::warn!(%error, "cannot see what other programs make ready: trying again");
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "nothing says when the file can be opened"
        )]
        tokio::time::sleep(PAUSE).await;
    }
}

async fn begin(pool: &Pool, ear: &Arc<Ear>) -> Result<()> {
    let path = sqlite::file(pool).await?;
    let ear = Arc::downgrade(ear);
    thread::Builder::new()
        .name("taskbox-watcher".to_owned())
        .spawn(move || run(&path, &ear))
        .map(drop)
        .map_err(|error| Error::Connection(error.to_string()))
}

fn run(path: &str, ear: &Weak<Ear>) {
    while ear.strong_count() > 0 {
        if let Err(error) = follow(path, ear) {
            tracing::debug!(%error, "the file cannot be read: trying again");
        }
        thread::sleep(PAUSE);
    }
}

/// Looks until nobody listens, or the file cannot be read.
fn follow(path: &str, ear: &Weak<Ear>) -> Result<()> {
    let connection = sqlite::open(path);
    let mut connection = connection.map_err(|error| Error::Connection(error.to_string()))?;
    let mut seen = Seen::default();
    // Makes the log, if it is not there.
    seen.look(&mut connection)?;
    let mut pace = Pace::of(Writes::of(path));
    // What was committed before that; who listens is told to look all the same, since it begins to hear.
    seen.look(&mut connection)?;
    while let Some(ear) = ear.upgrade() {
        if !ear.hears_now() {
            ear.hears(true);
        }
        let look = match seen.look(&mut connection) {
            Ok(look) => look,
            Err(error) => {
                ear.hears(false);
                return Err(error);
            }
        };
        if let Look::Changed {
            ready_in: Some(delay),
        } = look
        {
            ear.signal.raise(Instant::now() + delay);
        }
        drop(ear);
        if let Look::Changed { .. } = look {
            pace.has_changed();
        }
        pace.wait();
    }
    Ok(())
}

/// What a look at the file showed.
#[derive(Clone, Copy)]
enum Look {
    Same,
    Changed {
        /// In how long something is ready that was not there before; `None` if nothing is.
        ready_in: Option<Duration>,
    },
}

#[derive(Default)]
struct Seen {
    version: Option<i32>,
    work: Work,
}

impl Seen {
    fn look(&mut self, connection: &mut SqliteConnection) -> Result<Look> {
        let version = version(connection)?;
        if self.version.replace(version) == Some(version) {
            return Ok(Look::Same);
        }
        let before = std::mem::replace(&mut self.work, work(connection)?);
        Ok(Look::Changed {
            ready_in: self.work.since(before),
        })
    }
}
