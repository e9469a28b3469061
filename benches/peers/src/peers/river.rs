//! River's port to Rust, on both of its databases.

use std::convert::Infallible;
use std::future::{Future, ready};

use anyhow::Result;
use async_trait::async_trait;
use riverqueue::migrate::{PostgresMigrator, SqliteMigrator};
use riverqueue::{
    Client, ClientBuilder, Job, JobArgs, QUEUE_DEFAULT, QueueConfig, RunHandle, WorkContext,
    WorkOutcome, Workers,
};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, SqlitePool};

use crate::database::Backend;
use crate::peer::{About, Mode, Peer, Queue, Starts, Worker, pieces};
use crate::pools;
use crate::settings::{BATCH, PRODUCER_CONNECTIONS, river};

pub(crate) struct River;

#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "noop")]
struct Noop {}

struct Work(Starts);

impl riverqueue::Worker<Noop> for Work {
    type Error = Infallible;

    fn work(
        &self,
        _context: WorkContext,
        _job: Job<Noop>,
    ) -> impl Future<Output = Result<WorkOutcome, Infallible>> + Send {
        self.0.tell();
        ready(Ok(WorkOutcome::Complete))
    }
}

#[async_trait]
impl Peer for River {
    fn about(&self) -> About {
        About {
            name: "riverqueue",
            package: "riverqueue",
            keeps: "the job's row, for 24 h",
            unfinished: "SELECT count(*) FROM river_job WHERE state <> 'completed'",
        }
    }

    fn settings(&self, mode: Mode) -> String {
        let workers = match mode {
            Mode::Throughput => river::CONCURRENCY,
            Mode::Latency | Mode::Defaults => river::README_CONCURRENCY,
        };
        match mode {
            Mode::Throughput => format!("{workers}, cooldown {:?}", river::COOLDOWN),
            Mode::Latency => format!("{workers}, cooldown {:?}", river::LEAST_COOLDOWN),
            Mode::Defaults => format!("{workers}, cooldown 100ms"),
        }
    }

    async fn open(&self, backend: Backend, url: &str, mode: Mode) -> Result<Box<dyn Queue>> {
        let pool = Pool::connect(backend, url, PRODUCER_CONNECTIONS).await?;
        match &pool {
            Pool::Postgres(pool) => drop(PostgresMigrator::new(pool.clone()).migrate_up().await?),
            Pool::Sqlite(pool) => drop(SqliteMigrator::new(pool.clone()).migrate_up().await?),
        }
        let producer = match mode {
            // It notifies no sooner than that after the last time.
            Mode::Latency => pool.client().fetch_cooldown(river::LEAST_COOLDOWN),
            Mode::Throughput | Mode::Defaults => pool.client(),
        };
        Ok(Box::new(Jobs {
            producer: producer.build()?,
            backend,
            mode,
            url: url.to_owned(),
        }))
    }
}

enum Pool {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

impl Pool {
    async fn connect(backend: Backend, url: &str, connections: u32) -> Result<Self> {
        Ok(match backend {
            Backend::Postgres => Self::Postgres(pools::postgres(url, connections).await?),
            Backend::Sqlite => Self::Sqlite(pools::sqlite(url, connections).await?),
        })
    }

    fn client(&self) -> ClientBuilder {
        match self {
            Self::Postgres(pool) => Client::builder(pool.clone()),
            Self::Sqlite(pool) => Client::builder(pool.clone()),
        }
    }
}

struct Jobs {
    producer: Client,
    backend: Backend,
    mode: Mode,
    url: String,
}

#[async_trait]
impl Queue for Jobs {
    async fn enqueue(&self, jobs: usize) -> Result<()> {
        for piece in pieces(jobs, BATCH) {
            if piece == 1 {
                self.producer.insert(Noop {}).await?;
            } else {
                self.producer.insert_many(vec![Noop {}; piece]).await?;
            }
        }
        Ok(())
    }

    async fn start(&self, starts: Starts) -> Result<Box<dyn Worker>> {
        let connections = match self.backend {
            Backend::Postgres => river::CONNECTIONS,
            Backend::Sqlite => river::FILE_CONNECTIONS,
        };
        let pool = Pool::connect(self.backend, &self.url, connections).await?;
        let queue = match self.mode {
            Mode::Throughput => QueueConfig::new(river::CONCURRENCY)
                .with_fetch_cooldown(river::COOLDOWN)
                .with_fetch_poll_interval(river::POLL),
            Mode::Latency => QueueConfig::new(river::README_CONCURRENCY)
                .with_fetch_cooldown(river::LEAST_COOLDOWN),
            Mode::Defaults => QueueConfig::new(river::README_CONCURRENCY),
        };
        let mut workers = Workers::new();
        workers.add::<Noop, _>(Work(starts))?;
        let client = pool.client().workers(workers).queue(QUEUE_DEFAULT, queue);
        let mut run = client.build()?.start()?;
        run.wait_ready().await?;
        Ok(Box::new(Run(run)))
    }
}

struct Run(RunHandle);

#[async_trait]
impl Worker for Run {
    async fn stop(mut self: Box<Self>) -> Result<()> {
        Ok(self.0.stop().await?)
    }
}
