//! How sleepers hear that tasks became ready.

pub(crate) mod hub;
#[cfg(feature = "postgres")]
mod listener;
#[cfg(feature = "postgres")]
mod notifier;
#[cfg(feature = "sqlite")]
mod pace;
#[cfg(feature = "postgres")]
pub(crate) mod payload;
mod signal;
#[cfg(feature = "sqlite")]
mod watcher;
#[cfg(feature = "sqlite")]
mod writes;

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::select;
use tokio::{task::JoinHandle, time::Instant};

use crate::{DAL, backend::Kind};
use hub::Hub;
use signal::{Hint, Signal};

/// Hears that tasks became ready, or will be: from [`DAL::wakeups`].
#[derive(Debug)]
#[must_use = "nothing is heard but by `next`"]
pub struct Wakeups {
    /// Kept, so that a handle made later to the same file finds it, although all others are gone.
    _hub: Arc<Hub>,
    here: Arc<Signal>,
    elsewhere: Arc<Ear>,
    source: JoinHandle<()>,
}

/// What is heard of other programs.
#[derive(Debug, Default)]
struct Ear {
    signal: Signal,
    hears: AtomicBool,
}

impl Ear {
    /// Says whether it hears from now on, which is a reason to look.
    fn hears(&self, hears: bool) {
        self.hears.store(hears, Ordering::Release);
        self.signal.raise(Instant::now());
    }

    fn hears_now(&self) -> bool {
        self.hears.load(Ordering::Acquire)
    }
}

impl DAL {
    /// Hears from now on that tasks became ready: what any program did, by whatever handle. Hints, not promises: who waits
    /// for tasks looks for some now and then all the same.
    ///
    /// - In this program: what handles that share a file, or are clones of this one, have committed.
    /// - Postgres: what other programs say by NOTIFY after they have committed. It is heard by a connection that is not
    ///   of the pool, and made anew when it is lost.
    /// - `SQLite`: the file is watched by a thread, which on Linux sleeps until it is written to, and elsewhere looks at it
    ///   every 4 ms.
    ///
    /// What is not heard on Postgres: transactions that were [joined](crate::Tx::join), unless their program says so
    /// ([`DAL::announce`]).
    ///
    /// Must be called within a Tokio runtime, which it needs until it is dropped.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::{Claim, Worker};
    ///
    /// /// The next tasks, whenever there are some.
    /// async fn next_tasks(dal: &DAL, worker: &Worker) -> Result<Vec<Claim>> {
    ///     let mut wakeups = dal.wakeups();
    ///     loop {
    ///         let claims = dal.task_execution().claim(worker, 10).await?;
    ///         if !claims.is_empty() {
    ///             return Ok(claims);
    ///         }
    ///         let poll = Duration::from_secs(if wakeups.hears_others() { 30 } else { 1 });
    ///         let due = dal.task_execution().next_due().await?.unwrap_or(poll);
    ///         let hint = tokio::time::timeout(poll.min(due), wakeups.next()).await;
    ///         if let Ok(delay) = hint {
    ///             tokio::time::sleep(delay.min(poll)).await;
    ///         }
    ///     }
    /// }
    /// # use taskbox_models::NewTaskExecution;
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     let dal = DAL::connect(db.url()).await.unwrap();
    /// #     let worker = dal.worker().register("w").await.unwrap();
    /// #     let other = dal.clone();
    /// #     let made = async move {
    /// #         let task = other.task_execution().create(NewTaskExecution::standalone("a")).await.unwrap();
    /// #         other.task_execution().mark_ready(task.id).await.unwrap();
    /// #     };
    /// #     let (found, ()) = tokio::join!(next_tasks(&dal, &worker), made);
    /// #     assert_eq!(found.unwrap().len(), 1);
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    pub fn wakeups(&self) -> Wakeups {
        let hub = Arc::clone(&self.0.hub);
        let elsewhere = Arc::new(Ear::default());
        Wakeups {
            here: hub.subscribe(),
            source: self.listen(&elsewhere),
            elsewhere,
            _hub: hub,
        }
    }

    /// Says that something is ready now, to all who wait for it: for tasks that were made ready in a transaction which the
    /// program [joined](crate::Tx::join), to be called after its commit. The calls of the `DAL` do so by themselves.
    ///
    /// Waits for nothing. On Postgres it is sent a moment later, in the background.
    pub fn announce(&self) {
        self.announce_in(Duration::ZERO);
    }

    /// Waits until all that this handle and its clones have made ready has been announced, or that failed: for a program
    /// that makes tasks ready and ends. One that goes on need not wait.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::NewTaskExecution;
    ///
    /// /// What a program does that is run by hand or by the clock.
    /// async fn order_the_report(dal: &DAL) -> Result<()> {
    ///     let task = dal.task_execution().create(NewTaskExecution::standalone("report")).await?;
    ///     dal.task_execution().mark_ready(task.id).await?;
    ///     dal.announced().await;
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     order_the_report(&DAL::connect(db.url()).await.unwrap()).await.unwrap();
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    pub async fn announced(&self) {
        self.0.hub.flush().await;
    }

    pub(crate) fn announce_in(&self, delay: Duration) {
        self.0.hub.announce(&self.0.pool, delay);
    }

    fn listen(&self, ear: &Arc<Ear>) -> JoinHandle<()> {
        match &self.0.pool.0 {
            #[cfg(feature = "postgres")]
            Kind::Postgres(pool) => tokio::spawn(
                listener::Listener {
                    pool: pool.clone(),
                    hub: Arc::clone(&self.0.hub),
                    ear: Arc::clone(ear),
                }
                .run(),
            ),
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(pool) => tokio::spawn(watcher::watch(pool.clone(), Arc::clone(ear))),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Kind::None(never) => match *never {},
        }
    }
}

impl Wakeups {
    /// Waits for the next hint, and answers with how long it is until there is something to do: zero for now.
    ///
    /// Hints that came since the last call are one, the earliest. It also answers zero whenever
    /// [`hears_others`](Self::hears_others) may have changed, since something may have been missed before. Dropping it loses
    /// nothing.
    pub async fn next(&mut self) -> Duration {
        let (here, elsewhere) = (self.here.next(), self.elsewhere.signal.next());
        let (hint, _) = select(pin!(here), pin!(elsewhere)).await.factor_first();
        // Neither is ever closed.
        hint.map_or(Duration::ZERO, Hint::delay)
    }

    /// Whether it hears of other programs at this moment. Not before it has connected, not while its connection is lost,
    /// and never where a pooler keeps notifications from it: who waits for tasks had better look often then.
    #[must_use]
    pub fn hears_others(&self) -> bool {
        self.elsewhere.hears_now()
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        self.source.abort();
    }
}
