use std::{
    thread,
    time::{Duration, Instant},
};

use super::writes::Writes;

/// Between two looks while nobody says when the file is written to.
const PERIOD: Duration = Duration::from_millis(4);
/// Between two looks while it is. A commit shows later than its writes: when they are on the disk.
const SOON: Duration = Duration::from_millis(2);
/// For how long it counts as being written to after a write.
const SETTLES: Duration = Duration::from_millis(100);
/// The longest time between two looks, for a disk that takes longer than that.
const SELDOM: Duration = Duration::from_millis(250);
/// No disk takes so long from the write to the commit.
const FORGOTTEN: Duration = Duration::from_secs(30);
/// How long the word of a write may be behind the write.
const LATE: Duration = Duration::from_millis(100);

/// When to look at a file again: soon after it was written to, otherwise seldom; and often where that cannot be known.
#[derive(Debug)]
pub(super) struct Pace {
    writes: Option<Writes>,
    last_write: Option<Instant>,
}

impl Pace {
    pub(super) fn of(writes: Option<Writes>) -> Self {
        Self {
            writes,
            last_write: None,
        }
    }

    /// Waits until it is time for the next look.
    pub(super) fn wait(&mut self) {
        let Some(writes) = &self.writes else {
            return thread::sleep(PERIOD);
        };
        let is_written = if self.last_write_is_within(SETTLES) {
            thread::sleep(SOON);
            writes.wait(Duration::ZERO)
        } else {
            writes.wait(SELDOM)
        };
        if is_written {
            self.last_write = Some(Instant::now());
        }
    }

    /// A look found that the file has changed. If nobody said that it was written to, as on a disk that machines share,
    /// nobody will.
    pub(super) fn has_changed(&mut self) {
        let Some(writes) = &self.writes else { return };
        if self.last_write_is_within(FORGOTTEN) {
            return;
        }
        if writes.wait(LATE) {
            self.last_write = Some(Instant::now());
        } else {
            tracing::debug!("the system does not say when the file changes: looking all the time");
            self.writes = None;
        }
    }

    fn last_write_is_within(&self, time: Duration) -> bool {
        self.last_write.is_some_and(|write| write.elapsed() < time)
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::{Pace, Writes};

    fn pace() -> (TempDir, Pace) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks.db");
        for suffix in ["", "-wal"] {
            fs::write(format!("{}{suffix}", path.display()), "").unwrap();
        }
        let writes = Writes::of(path.to_str().unwrap());
        assert!(writes.is_some());
        (folder, Pace::of(writes))
    }

    #[test]
    fn a_change_of_which_nobody_said_a_word_means_that_nobody_will() {
        let (_folder, mut pace) = pace();
        pace.has_changed();
        assert!(pace.writes.is_none());
    }

    #[test]
    fn a_change_after_a_write_is_as_it_should_be() {
        let (folder, mut pace) = pace();
        fs::write(folder.path().join("tasks.db-wal"), "more").unwrap();
        pace.has_changed();
        // The next commit may have been heard of together with that one.
        pace.has_changed();
        assert!(pace.writes.is_some());
        assert!(pace.last_write.is_some());
    }

    #[test]
    fn a_write_ends_the_wait() {
        let (folder, mut pace) = pace();
        fs::write(folder.path().join("tasks.db-wal"), "more").unwrap();
        pace.wait();
        assert!(pace.last_write.is_some());
    }
}
