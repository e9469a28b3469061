use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::Instant;

use super::signal::Signal;
#[cfg(feature = "postgres")]
use super::{notifier::Notifier, payload::Payload};
#[cfg(feature = "postgres")]
use crate::backend::Kind;
use crate::backend::Pool;

/// Where the handles of one database that share this tell each other what became ready. Nothing is asked of the database
/// for that.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    sleepers: Mutex<Vec<Weak<Signal>>>,
    #[cfg(feature = "postgres")]
    notifier: Notifier,
}

impl Hub {
    /// A sleeper, until it is dropped.
    pub(crate) fn subscribe(&self) -> Arc<Signal> {
        let signal = Arc::new(Signal::default());
        let mut sleepers = self.sleepers();
        sleepers.retain(|sleeper| sleeper.strong_count() > 0);
        sleepers.push(Arc::downgrade(&signal));
        signal
    }

    /// Says that something is ready in so long: to the sleepers here, and on Postgres, a moment later, to those of other
    /// programs. `SQLite`'s see it by themselves.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "on SQLite nothing is sent")
    )]
    pub(crate) fn announce(&self, pool: &Pool, delay: Duration) {
        let at = Instant::now() + delay;
        for sleeper in self.sleepers().iter().filter_map(Weak::upgrade) {
            sleeper.raise(at);
        }
        #[cfg(feature = "postgres")]
        #[cfg_attr(
            not(feature = "sqlite"),
            expect(irrefutable_let_patterns, reason = "there is no other backend")
        )]
        if let Kind::Postgres(pool) = &pool.0 {
            self.notifier.send(pool, at);
        }
    }

    /// Waits until all of it has been sent.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "on SQLite nothing is sent")
    )]
    pub(crate) async fn flush(&self) {
        #[cfg(feature = "postgres")]
        self.notifier.flush().await;
    }

    /// Whether it was said here, where everyone knows.
    #[cfg(feature = "postgres")]
    pub(crate) fn has_said(&self, payload: &Payload) -> bool {
        self.notifier.has_sent(payload)
    }

    fn sleepers(&self) -> MutexGuard<'_, Vec<Weak<Signal>>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "sqlite")]
mod files {
    use std::{
        collections::HashMap,
        fs,
        path::{Path, PathBuf},
        sync::{Arc, Mutex, PoisonError, Weak},
    };

    use super::Hub;

    static FILES: Mutex<Option<HashMap<PathBuf, Weak<Hub>>>> = Mutex::new(None);

    impl Hub {
        /// The one that all handles to this file share in this program.
        pub(crate) fn of_file(path: &Path) -> Arc<Self> {
            // A file that cannot be found has a hub of its own: what others do there shows later.
            let Ok(path) = fs::canonicalize(path) else {
                return Arc::default();
            };
            let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
            let files = files.get_or_insert_default();
            if let Some(hub) = files.get(&path).and_then(Weak::upgrade) {
                return hub;
            }
            files.retain(|_, hub| hub.strong_count() > 0);
            let hub = Arc::default();
            files.insert(path, Arc::downgrade(&hub));
            hub
        }
    }

    #[cfg(test)]
    mod tests {
        use std::sync::Arc;

        use super::Hub;

        #[test]
        fn a_file_has_one_by_whatever_name_while_it_is_used() {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("tasks.db");
            // Not there yet.
            assert!(!Arc::ptr_eq(&Hub::of_file(&file), &Hub::of_file(&file)));
            std::fs::write(&file, "").unwrap();
            let hub = Hub::of_file(&file);
            let same = folder.path().join(".").join("tasks.db");
            assert!(Arc::ptr_eq(&hub, &Hub::of_file(&same)));
            let other = folder.path().join("other.db");
            std::fs::write(&other, "").unwrap();
            assert!(!Arc::ptr_eq(&hub, &Hub::of_file(&other)));
        }
    }
}
