use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex},
};

use taskbox_dal::DAL;
use tokio::sync::watch;

use crate::{
    ExecutorBuilder, ExecutorHandle, Result,
    engine::{Engine, Shared},
    heart::Heart,
    settings::Settings,
    slots::Slots,
    stop::Stop,
};

/// Claims the ready tasks of a database, runs them, and records how they ended.
///
/// Any number of them can run on one database, in one program or in many.
#[must_use = "an executor does nothing before it is started"]
pub struct Executor {
    shared: Arc<Shared>,
    heart: Heart,
}

impl Executor {
    /// Settings to build an executor with, for the database of this `DAL`.
    ///
    /// How long a lease lasts, and how often a task may kill its executor, are the `DAL`'s to say
    /// ([`DALBuilder::lease`](taskbox_dal::DALBuilder::lease), `max_recoveries`). Give its pool two connections or more:
    /// one claims, one writes, and one is for each `complete_in` that runs.
    pub fn builder(dal: DAL) -> ExecutorBuilder {
        ExecutorBuilder::new(dal)
    }

    pub(crate) fn new(dal: DAL, settings: Settings) -> Result<Self> {
        let heart = Heart::new(&dal)?;
        let shared = Arc::new(Shared {
            slots: Slots::new(&settings),
            settings,
            dal,
            stop: Stop::default(),
            unknown: Mutex::default(),
        });
        Ok(Self { shared, heart })
    }

    /// Begins to work, in the background. Must be called within a Tokio runtime with its time enabled.
    ///
    /// Whatever the database does, it goes on until the handle stops it or is dropped.
    pub fn start(self) -> ExecutorHandle {
        let (sender, ended) = watch::channel(None);
        let handle = ExecutorHandle {
            stop: self.shared.stop.clone(),
            ended,
        };
        let engine = Engine {
            shared: self.shared,
            heart: self.heart,
        };
        tokio::spawn(async move {
            let end = engine.run().await;
            sender.send_replace(Some(end));
        });
        handle
    }

    /// Works until `shutdown` is over, and then stops as [`ExecutorHandle::stop`] does. Dropping the returned future
    /// stops it as dropping the handle does.
    ///
    /// # Errors
    ///
    /// As [`ExecutorHandle::stop`].
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        let handle = self.start();
        shutdown.await;
        handle.stop().await
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("name", &self.shared.settings.name)
            .finish_non_exhaustive()
    }
}
