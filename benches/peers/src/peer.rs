//! What is asked of each of them.

use std::time::Instant;

use anyhow::Result;
use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::database::Backend;

/// What its worker is set to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mode {
    /// The settings that drain most.
    Throughput,
    /// The settings that start a job soonest.
    Latency,
    /// What it does if nothing is said.
    Defaults,
}

pub(crate) struct About {
    pub(crate) name: &'static str,
    /// The package that its version is read of in Cargo.lock.
    pub(crate) package: &'static str,
    /// What is left of a job that has ended, and who may end it.
    pub(crate) keeps: &'static str,
    /// A query that counts the jobs which have not ended, in the database.
    pub(crate) unfinished: &'static str,
}

#[async_trait]
pub(crate) trait Peer {
    fn about(&self) -> About;

    /// Its settings in few words, concurrency first.
    fn settings(&self, mode: Mode) -> String;

    /// Makes its tables in an empty database, and connects who enqueues.
    async fn open(&self, backend: Backend, url: &str, mode: Mode) -> Result<Box<dyn Queue>>;
}

/// A peer in a database of its own.
#[async_trait]
pub(crate) trait Queue: Send + Sync {
    /// Makes that many jobs that are to run at once, by the calls that are best for so many. They are committed once this
    /// answers.
    async fn enqueue(&self, jobs: usize) -> Result<()>;

    /// Starts a worker whose jobs do nothing but tell that they have started. It is ready once this answers, or will soon
    /// be.
    async fn start(&self, starts: Starts) -> Result<Box<dyn Worker>>;
}

#[async_trait]
pub(crate) trait Worker: Send {
    /// Lets it end what it has.
    async fn stop(self: Box<Self>) -> Result<()>;
}

/// Whom jobs tell that they have started.
#[derive(Clone, Debug)]
pub(crate) struct Starts(mpsc::UnboundedSender<Instant>);

impl Starts {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Instant>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(crate) fn tell(&self) {
        let now = Instant::now();
        // Nobody listens any more once all have started.
        let _ = self.0.send(now);
    }
}

/// That many jobs in pieces of at most so many.
pub(crate) fn pieces(jobs: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..jobs)
        .step_by(most)
        .map(move |done| most.min(jobs - done))
}
