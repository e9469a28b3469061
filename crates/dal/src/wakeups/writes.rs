//! Hears from the system that files are written to, where it says so.

#[cfg(target_os = "linux")]
pub(super) use linux::Writes;
#[cfg(not(target_os = "linux"))]
pub(super) use other::Writes;

#[cfg(target_os = "linux")]
mod linux {
    use std::{os::fd::OwnedFd, time::Duration};

    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        fs::inotify::{self, CreateFlags, WatchFlags},
        io::{self, read},
    };

    /// What a database writes: its file, and the file of its log, which is there while somebody has it open.
    const SUFFIXES: [&str; 2] = ["", "-wal"];

    #[derive(Debug)]
    pub(in super::super) struct Writes(OwnedFd);

    impl Writes {
        /// Those to the files of a database from now on; `None` if the system does not say.
        pub(in super::super) fn of(path: &str) -> Option<Self> {
            Self::try_of(path)
                .inspect_err(
                    |error| tracing::debug!(%error, "the system does not say when a file changes"),
                )
                .ok()
        }

        fn try_of(path: &str) -> io::Result<Self> {
            let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            for suffix in SUFFIXES {
                inotify::add_watch(&events, format!("{path}{suffix}"), WatchFlags::MODIFY)?;
            }
            Ok(Self(events))
        }

        /// Waits so long at the most. Whether there was one since the last call.
        pub(in super::super) fn wait(&self, longest: Duration) -> bool {
            let Ok(longest) = Timespec::try_from(longest) else {
                return false;
            };
            // An interruption is as good as the end of the time: whoever calls looks, and waits again.
            let _ = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&longest));
            let mut events = [0; 1024];
            let mut found = false;
            while read(&self.0, &mut events).is_ok_and(|read| read > 0) {
                found = true;
            }
            found
        }
    }

    #[cfg(test)]
    mod tests {
        use std::{fs, time::Duration};

        use super::Writes;

        const LONG: Duration = Duration::from_mins(1);

        #[test]
        fn a_write_to_the_database_or_its_log_is_heard_once() {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            for name in ["tasks.db", "tasks.db-wal"] {
                fs::write(path(name), "").unwrap();
            }
            let writes = Writes::of(path("tasks.db").to_str().unwrap()).unwrap();
            for (name, is_heard) in [("tasks.db", true), ("tasks.db-wal", true), ("other", false)] {
                fs::write(path(name), "more").unwrap();
                assert_eq!(
                    writes.wait(if is_heard { LONG } else { Duration::ZERO }),
                    is_heard
                );
                assert!(!writes.wait(Duration::ZERO));
            }
        }

        #[test]
        fn what_cannot_be_watched_is_not() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("tasks.db");
            assert!(Writes::of(path.to_str().unwrap()).is_none());
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::time::Duration;

    #[derive(Debug)]
    pub(in super::super) enum Writes {}

    impl Writes {
        /// Other systems say it too late, or of whole folders.
        pub(in super::super) fn of(_path: &str) -> Option<Self> {
            None
        }

        pub(in super::super) fn wait(&self, _longest: Duration) -> bool {
            match *self {}
        }
    }
}
