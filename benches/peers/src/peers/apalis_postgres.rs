//! apalis on Postgres, with its listener.

use std::time::Duration;

use ::apalis::prelude::{
    BackendExt, ParallelizeExt, Strategy, TaskSink, WorkerBuilder, WorkerContext,
};
use anyhow::Result;
use apalis_postgres::{Config, PgPool, PostgresStorage, Pubsub};
use async_trait::async_trait;

use super::apalis_worker::{Noop, QUEUE, Running, describe, noop};
use crate::database::Backend;
use crate::peer::{About, Mode, Peer, Queue, Starts, Worker, pieces};
use crate::pools;
use crate::settings::{BATCH, PRODUCER_CONNECTIONS, apalis};

pub(crate) struct Apalis;

#[async_trait]
impl Peer for Apalis {
    fn about(&self) -> About {
        About {
            name: "apalis-postgres",
            package: "apalis-postgres",
            keeps: "the job's row, with its last result",
            unfinished: "SELECT count(*) FROM apalis.jobs WHERE status <> 'Done'",
        }
    }

    fn settings(&self, mode: Mode) -> String {
        describe(mode)
    }

    async fn open(&self, _backend: Backend, url: &str, mode: Mode) -> Result<Box<dyn Queue>> {
        let pool = pools::postgres(url, PRODUCER_CONNECTIONS).await?;
        PostgresStorage::setup(&pool).await?;
        Ok(Box::new(Jobs {
            producer: PostgresStorage::new(&pool).with_config(Config::default().queue(QUEUE)),
            mode,
            url: url.to_owned(),
        }))
    }
}

struct Jobs {
    producer: PostgresStorage<Noop>,
    mode: Mode,
    url: String,
}

#[async_trait]
impl Queue for Jobs {
    async fn enqueue(&self, jobs: usize) -> Result<()> {
        for piece in pieces(jobs, BATCH) {
            self.producer
                .clone()
                .push_bulk(vec![Noop {}; piece])
                .await?;
        }
        Ok(())
    }

    async fn start(&self, starts: Starts) -> Result<Box<dyn Worker>> {
        let pool = pools::postgres(&self.url, apalis::CONNECTIONS).await?;
        let config = Config::default().queue(QUEUE);
        let config = match self.mode {
            Mode::Throughput => config.batch_size(apalis::BATCH).lock_tasks(false),
            Mode::Latency => config.lock_tasks(false),
            Mode::Defaults => config,
        };
        let poll = match self.mode {
            Mode::Throughput | Mode::Latency => apalis::SHORT_POLL,
            Mode::Defaults => apalis::POLL,
        };
        let storage = PostgresStorage::new(&pool).with_config(config);
        Ok(run(storage, pool, poll, starts))
    }
}

fn run(
    storage: PostgresStorage<Noop>,
    pool: PgPool,
    poll: Duration,
    starts: Starts,
) -> Box<dyn Worker> {
    let strategy = Strategy::new()
        .stream(Pubsub::new(pool, QUEUE.to_owned()))
        .interval(poll);
    let context = WorkerContext::new(QUEUE);
    let worker = WorkerBuilder::new(&context)
        .backend(storage.poll_with_strategy(strategy))
        .data(starts)
        .parallelize(tokio::spawn)
        .build(noop);
    Box::new(Running {
        context,
        running: tokio::spawn(worker.run()),
    })
}
