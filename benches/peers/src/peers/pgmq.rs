//! pgmq, which is a message queue: who reads runs what it has read, and deletes it. That loop is ours.

use ::pgmq::PGMQueueExt;
use anyhow::Result;
use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::database::Backend;
use crate::peer::{About, Mode, Peer, Queue, Starts, Worker, pieces};
use crate::pools;
use crate::settings::{BATCH, PRODUCER_CONNECTIONS, pgmq};

const QUEUE: &str = "noop";

pub(crate) struct Pgmq;

#[async_trait]
impl Peer for Pgmq {
    fn about(&self) -> About {
        About {
            name: "pgmq",
            package: "pgmq",
            keeps: "nothing: the message is deleted",
            unfinished: "SELECT count(*) FROM pgmq.q_noop",
        }
    }

    fn settings(&self, mode: Mode) -> String {
        match mode {
            Mode::Throughput => format!("1 × {}", pgmq::BATCH),
            Mode::Latency => format!("1 × {}, looks each {:?}", pgmq::BATCH, pgmq::POLL),
            Mode::Defaults => "1 × 1, looks each 100ms".to_owned(),
        }
    }

    async fn open(&self, _backend: Backend, url: &str, mode: Mode) -> Result<Box<dyn Queue>> {
        let producer =
            PGMQueueExt::new_with_pool(pools::postgres(url, PRODUCER_CONNECTIONS).await?).await;
        producer.install_sql_from_embedded().await?;
        producer.create(QUEUE).await?;
        Ok(Box::new(Messages {
            producer,
            mode,
            url: url.to_owned(),
        }))
    }
}

struct Messages {
    producer: PGMQueueExt,
    mode: Mode,
    url: String,
}

#[async_trait]
impl Queue for Messages {
    async fn enqueue(&self, jobs: usize) -> Result<()> {
        for piece in pieces(jobs, BATCH) {
            self.producer
                .send_batch(QUEUE, &vec![json!({}); piece])
                .await?;
        }
        Ok(())
    }

    async fn start(&self, starts: Starts) -> Result<Box<dyn Worker>> {
        let pool = pools::postgres(&self.url, 1).await?;
        let consumer = PGMQueueExt::new_with_pool(pool).await;
        Ok(Box::new(Loop(tokio::spawn(consume(
            consumer, self.mode, starts,
        )))))
    }
}

async fn consume(queue: PGMQueueExt, mode: Mode, starts: Starts) -> Result<()> {
    let (batch, poll) = match mode {
        Mode::Throughput | Mode::Latency => (pgmq::BATCH, Some(pgmq::POLL)),
        Mode::Defaults => (1, None),
    };
    loop {
        let read =
            queue.read_batch_with_poll::<Value, Value>(QUEUE, pgmq::HIDDEN, batch, None, poll);
        let messages = read.await?;
        messages.iter().for_each(|_| starts.tell());
        let ids: Vec<i64> = messages.iter().map(|message| message.msg_id).collect();
        if !ids.is_empty() {
            queue.delete_batch(QUEUE, &ids).await?;
        }
    }
}

struct Loop(JoinHandle<Result<()>>);

#[async_trait]
impl Worker for Loop {
    async fn stop(self: Box<Self>) -> Result<()> {
        self.0.abort();
        self.0.await.unwrap_or(Ok(()))
    }
}
