//! Graphile Worker's port to Rust.

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext,
    WorkerOptions, WorkerUtils,
};
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::database::Backend;
use crate::peer::{About, Mode, Peer, Queue, Starts, Worker, pieces};
use crate::pools;
use crate::settings::{BATCH, PRODUCER_CONNECTIONS, graphile};

/// That of its README.
const SCHEMA: &str = "graphile_worker";

pub(crate) struct Graphile;

#[derive(Deserialize, Serialize)]
struct Noop {}

impl TaskHandler for Noop {
    const IDENTIFIER: &'static str = "noop";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        if let Some(starts) = context.get_ext::<Starts>() {
            starts.tell();
        }
        Ok::<(), String>(())
    }
}

#[async_trait]
impl Peer for Graphile {
    fn about(&self) -> About {
        About {
            name: "graphile_worker",
            package: "graphile_worker",
            keeps: "nothing: it deletes the job",
            unfinished: "SELECT count(*) FROM graphile_worker._private_jobs",
        }
    }

    fn settings(&self, mode: Mode) -> String {
        match mode {
            Mode::Throughput => format!(
                "{}, local queue of {}, ends batched for {:?}",
                graphile::CONCURRENCY,
                graphile::LOCAL_QUEUE,
                graphile::BATCH_DELAY
            ),
            Mode::Latency | Mode::Defaults => "one for each core".to_owned(),
        }
    }

    async fn open(&self, _backend: Backend, url: &str, mode: Mode) -> Result<Box<dyn Queue>> {
        let producer = WorkerUtils::new(pools::postgres(url, PRODUCER_CONNECTIONS).await?, SCHEMA);
        producer.migrate().await?;
        Ok(Box::new(Jobs {
            producer,
            mode,
            url: url.to_owned(),
        }))
    }
}

struct Jobs {
    producer: WorkerUtils,
    mode: Mode,
    url: String,
}

#[async_trait]
impl Queue for Jobs {
    async fn enqueue(&self, jobs: usize) -> Result<()> {
        for piece in pieces(jobs, BATCH) {
            if piece == 1 {
                self.producer.add_job(Noop {}, JobSpec::default()).await?;
                continue;
            }
            let new = || RawJobSpec {
                identifier: Noop::IDENTIFIER.to_owned(),
                payload: serde_json::json!({}),
                spec: JobSpec::default(),
            };
            let new: Vec<_> = (0..piece).map(|_| new()).collect();
            self.producer.add_raw_jobs(&new).await?;
        }
        Ok(())
    }

    async fn start(&self, starts: Starts) -> Result<Box<dyn Worker>> {
        let options = WorkerOptions::default()
            .schema(SCHEMA)
            .add_extension(starts)
            .define_job::<Noop>();
        let options = match self.mode {
            Mode::Throughput => options
                .pg_pool(pools::postgres(&self.url, graphile::CONNECTIONS).await?)
                .concurrency(graphile::CONCURRENCY)
                .poll_interval(graphile::POLL)
                .complete_job_batch_delay(graphile::BATCH_DELAY)
                .local_queue(LocalQueueConfig::default().with_size(graphile::LOCAL_QUEUE)),
            Mode::Latency | Mode::Defaults => options.database_url(&self.url),
        };
        let worker = Arc::new(options.init().await?);
        let running = tokio::spawn({
            let worker = Arc::clone(&worker);
            async move { worker.run().await.map_err(anyhow::Error::from) }
        });
        Ok(Box::new(Running { worker, running }))
    }
}

struct Running {
    worker: Arc<graphile_worker::Worker>,
    running: JoinHandle<Result<()>>,
}

#[async_trait]
impl Worker for Running {
    async fn stop(self: Box<Self>) -> Result<()> {
        self.worker.request_shutdown();
        self.running.await?
    }
}
