//! A round of a peer, each part in a database of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::database::{Backend, Counter, Database};
use crate::figures::Figures;
use crate::peer::{Mode, Peer, Queue, Starts};

/// Starts before the first that counts.
const WARM_UP: usize = 10;
/// How long a drain may take. One that takes longer is stopped, and has the rate of what had ended.
const DRAINS_WITHIN: Duration = Duration::from_mins(2);
const DRAINS_BY_DEFAULT_WITHIN: Duration = Duration::from_secs(15);
const STARTS_WITHIN: Duration = Duration::from_mins(1);
/// How soon it is seen that the last job has ended.
const LOOKS_EACH: Duration = Duration::from_millis(2);

#[derive(Args)]
pub(crate) struct Measure {
    /// How often everything is measured
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// How many jobs are enqueued and drained with the settings that drain most
    #[arg(long, default_value_t = 20_000)]
    jobs: usize,
    /// How many with the defaults
    #[arg(long, default_value_t = 2_000)]
    jobs_by_default: usize,
    /// How many jobs are started one after the other
    #[arg(long, default_value_t = 100)]
    starts: usize,
}

impl Measure {
    pub(crate) fn describe(&self) -> String {
        format!(
            "{} rounds, each with {} jobs at best, {} by default, and {} starts of each kind.",
            self.rounds, self.jobs, self.jobs_by_default, self.starts
        )
    }

    pub(crate) async fn take(
        &self,
        peer: &dyn Peer,
        backend: Backend,
        figures: &mut Figures,
    ) -> Result<()> {
        let arena = Arena::open(peer, backend, Mode::Throughput).await?;
        figures.enqueued.push(arena.enqueue(self.jobs).await?);
        let drained = arena.drain(self.jobs, DRAINS_WITHIN).await?;
        figures.drained.push(drained);
        arena.close().await?;

        let arena = Arena::open(peer, backend, Mode::Latency).await?;
        figures.started.extend(arena.starts(self.starts).await?);
        arena.close().await?;

        let arena = Arena::open(peer, backend, Mode::Defaults).await?;
        arena.enqueue(self.jobs_by_default).await?;
        let jobs = self.jobs_by_default;
        let drained = arena.drain(jobs, DRAINS_BY_DEFAULT_WITHIN).await?;
        figures.drained_by_default.push(drained);
        arena.close().await?;

        let arena = Arena::open(peer, backend, Mode::Defaults).await?;
        let started = arena.starts(self.starts).await?;
        figures.started_by_default.extend(started);
        arena.close().await
    }
}

/// A peer in a database of its own.
struct Arena {
    database: Database,
    queue: Box<dyn Queue>,
    unfinished: Counter,
}

impl Arena {
    async fn open(peer: &dyn Peer, backend: Backend, mode: Mode) -> Result<Self> {
        let database = Database::create(backend).await?;
        let queue = peer.open(backend, &database.url(), mode).await?;
        let unfinished = database.counter(peer.about().unfinished).await?;
        Ok(Self {
            database,
            queue,
            unfinished,
        })
    }

    /// Answers with how many jobs it makes in a second.
    async fn enqueue(&self, jobs: usize) -> Result<f64> {
        let begun = Instant::now();
        self.queue.enqueue(jobs).await?;
        let spent = begun.elapsed();
        let made = self.unfinished.count().await?;
        ensure!(made == i64::try_from(jobs)?, "made {made} jobs of {jobs}");
        self.database.tidy().await?;
        Ok(rate(jobs, spent))
    }

    /// Runs what is there, from the start of a worker until each end is in the database. Answers with how many jobs that is
    /// in a second.
    async fn drain(&self, jobs: usize, within: Duration) -> Result<f64> {
        let (starts, mut started) = Starts::new();
        let begun = Instant::now();
        let worker = self.queue.start(starts).await?;
        let drained = async {
            for _ in 0..jobs {
                started.recv().await.context("the worker has stopped")?;
            }
            while self.unfinished.count().await? > 0 {
                pause(LOOKS_EACH).await;
            }
            Ok::<_, anyhow::Error>(())
        };
        let ended = match timeout(within, drained).await {
            Ok(drained) => drained.map(|()| jobs)?,
            Err(_) => jobs - usize::try_from(self.unfinished.count().await?)?,
        };
        let spent = begun.elapsed();
        ensure!(ended > 0, "the worker does not get on");
        ensure!(
            ended < jobs || started.try_recv().is_err(),
            "a job ran twice"
        );
        worker.stop().await?;
        Ok(rate(ended, spent))
    }

    /// Starts jobs one after the other by a worker that has nothing else to do. Answers with how long each took.
    async fn starts(&self, jobs: usize) -> Result<Vec<Duration>> {
        let (starts, mut started) = Starts::new();
        let worker = self.queue.start(starts).await?;
        let mut times = Vec::new();
        for job in 0..WARM_UP + jobs {
            // Each at another moment of the time in which some of them look again.
            pause(Duration::from_millis(fastrand::u64(10..110))).await;
            let time = self.start(&mut started).await?;
            if job >= WARM_UP {
                times.push(time);
            }
        }
        worker.stop().await?;
        Ok(times)
    }

    async fn start(&self, started: &mut mpsc::UnboundedReceiver<Instant>) -> Result<Duration> {
        let called = Instant::now();
        self.queue.enqueue(1).await?;
        let start = timeout(STARTS_WITHIN, started.recv()).await;
        let start = start.context("the job does not start")?;
        Ok(start.context("the worker has stopped")? - called)
    }

    async fn close(self) -> Result<()> {
        drop(self.queue);
        drop(self.unfinished);
        self.database.remove().await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing says that a worker waits again, or that another program has committed"
)]
async fn pause(time: Duration) {
    sleep(time).await;
}

#[expect(clippy::cast_precision_loss, reason = "there are few")]
fn rate(jobs: usize, time: Duration) -> f64 {
    jobs as f64 / time.as_secs_f64()
}
