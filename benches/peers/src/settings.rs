//! Everything that is set, of everyone: what is not here is at its default.
//!
//! Where a project has a benchmark of its own, these are the settings of that; the rest is what its pages recommend, or a
//! first guess that nobody has searched further from.

use std::time::Duration;

/// How many jobs go into a call that makes many. It is what `riverqueue bench` takes.
pub(crate) const BATCH: usize = 5_000;

/// Of who enqueues: it makes one call after the other.
pub(crate) const PRODUCER_CONNECTIONS: u32 = 2;

/// How long a connection waits for another that writes to the same `SQLite` file.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

pub(crate) mod floor {
    /// Tasks of a claim, and of the transaction that completes them.
    pub(crate) const BATCH: i64 = 500;
    /// On Postgres, each claims and completes by a connection of its own: one commits while the other computes.
    pub(crate) const WORKERS: usize = 2;
}

pub(crate) mod taskbox {
    pub(crate) const CONCURRENCY: usize = 1_024;
    /// Among which the same concurrency is divided, to see what many programs cost.
    pub(crate) const MANY: usize = 16;
    /// Of each executor.
    pub(crate) const CONNECTIONS: usize = 4;
}

pub(crate) mod river {
    use super::Duration;

    /// As of `riverqueue bench`: workers, connections, and how often it looks.
    pub(crate) const CONCURRENCY: usize = 2_000;
    pub(crate) const CONNECTIONS: u32 = 50;
    pub(crate) const COOLDOWN: Duration = Duration::from_millis(2);
    pub(crate) const POLL: Duration = Duration::from_millis(20);
    /// The least that it takes, which is its wait before it looks and before it notifies again.
    pub(crate) const LEAST_COOLDOWN: Duration = Duration::from_millis(1);
    /// It has no default concurrency: this is that of its README.
    pub(crate) const README_CONCURRENCY: usize = 10;
    /// On `SQLite`, of which one writes at a time.
    pub(crate) const FILE_CONNECTIONS: u32 = 4;
}

pub(crate) mod apalis {
    use super::Duration;

    /// How many it fetches at once, and so runs at once.
    pub(crate) const BATCH: usize = 500;
    pub(crate) const CONNECTIONS: u32 = 20;
    /// Its defaults look again only at the next heartbeat, after 30 s. Its examples say how often; so do we, beside what it
    /// hears from Postgres and from `SQLite`.
    pub(crate) const POLL: Duration = Duration::from_millis(100);
    pub(crate) const SHORT_POLL: Duration = Duration::from_millis(5);
}

pub(crate) mod graphile {
    use super::Duration;

    /// As of its own benchmark `perf_test`.
    pub(crate) const CONCURRENCY: usize = 500;
    pub(crate) const CONNECTIONS: u32 = 100;
    pub(crate) const LOCAL_QUEUE: usize = 5_000;
    pub(crate) const BATCH_DELAY: Duration = Duration::from_millis(5);
    pub(crate) const POLL: Duration = Duration::from_millis(5);
}

pub(crate) mod pgmq {
    use super::Duration;

    /// Messages that are read, and then deleted, at once.
    pub(crate) const BATCH: i32 = 1_000;
    /// For how many seconds a message that was read is hidden from others; it has no default.
    pub(crate) const HIDDEN: i32 = 30;
    /// How often it looks while it waits, in the server.
    pub(crate) const POLL: Duration = Duration::from_millis(5);
}
