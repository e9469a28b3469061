//! apalis on SQLite, with its hook: it hears of what is written by the connections of its own pool.

use ::apalis::prelude::{
    BackendExt, ParallelizeExt, Strategy, TaskSink, WorkerBuilder, WorkerContext,
};
use anyhow::Result;
use apalis_sqlite::callback::HookCallbackListener;
use apalis_sqlite::{Config, SqlitePool, SqliteStorage};
use async_trait::async_trait;
use tokio::sync::Mutex;

use super::apalis_worker::{Noop, QUEUE, Running, describe, noop};
use crate::database::Backend;
use crate::peer::{About, Mode, Peer, Queue, Starts, Worker, pieces};
use crate::pools;
use crate::settings::{BATCH, apalis};

pub(crate) struct Apalis;

#[async_trait]
impl Peer for Apalis {
    fn about(&self) -> About {
        About {
            name: "apalis-sqlite",
            package: "apalis-sqlite",
            keeps: "the job's row, with its last result",
            unfinished: "SELECT count(*) FROM Jobs WHERE status <> 'Done'",
        }
    }

    fn settings(&self, mode: Mode) -> String {
        describe(mode)
    }

    async fn open(&self, _backend: Backend, url: &str, mode: Mode) -> Result<Box<dyn Queue>> {
        // It turns `synchronous` off on the connection that it sets up with, which is therefore closed.
        let pool = pools::sqlite(url, 1).await?;
        SqliteStorage::setup(&pool).await?;
        pool.close().await;
        // Its connections have SQLite's own default, which is FULL, and the file's journal, which is the WAL.
        let (pool, listener) = SqliteStorage::connect_with_callback(url)?;
        Ok(Box::new(Jobs {
            pool,
            listener: Mutex::new(Some(listener)),
            mode,
        }))
    }
}

struct Jobs {
    pool: SqlitePool,
    /// For the first worker, which is the only one.
    listener: Mutex<Option<HookCallbackListener>>,
    mode: Mode,
}

impl Jobs {
    fn storage(&self, config: Config) -> SqliteStorage<Noop> {
        SqliteStorage::new(&self.pool).with_config(config)
    }
}

#[async_trait]
impl Queue for Jobs {
    async fn enqueue(&self, jobs: usize) -> Result<()> {
        let mut storage = self.storage(Config::default().queue(QUEUE));
        for piece in pieces(jobs, BATCH) {
            storage.push_bulk(vec![Noop {}; piece]).await?;
        }
        Ok(())
    }

    async fn start(&self, starts: Starts) -> Result<Box<dyn Worker>> {
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
        let mut strategy = Strategy::new();
        if let Some(listener) = self.listener.lock().await.take() {
            strategy = strategy.stream(listener);
        }
        let context = WorkerContext::new(QUEUE);
        let worker = WorkerBuilder::new(&context)
            .backend(
                self.storage(config)
                    .poll_with_strategy(strategy.interval(poll)),
            )
            .data(starts)
            .parallelize(tokio::spawn)
            .build(noop);
        Ok(Box::new(Running {
            context,
            running: tokio::spawn(worker.run()),
        }))
    }
}
