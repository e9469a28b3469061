//! SQL written for this alone, on the tables of Taskbox: each step is one statement, prepared once, which is its own
//! transaction. It does what Taskbox does for such tasks, with the fence and the whole history, and nothing else.

use std::future::poll_fn;

use anyhow::{Result, ensure};
use async_trait::async_trait;
use taskbox_dal::DAL;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, NoTls, Statement};
use uuid::Uuid;

use crate::database::{Backend, connect};
use crate::peer::{About, Mode, Peer, Queue, Starts, Worker, pieces};
use crate::settings::{BATCH, floor};

const ENQUEUE: &str = "
WITH input AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[]) WITH ORDINALITY AS input (id, ord)
),
made AS (
    INSERT INTO task_executions (id, task_name, status)
    SELECT id, 'noop', 'Ready' FROM input ORDER BY ord
),
published AS (
    INSERT INTO task_outbox (task_execution_id) SELECT id FROM input ORDER BY ord
),
logged AS (
    INSERT INTO execution_events (task_execution_id, event_type)
    SELECT id, event FROM input, unnest(ARRAY['task_created', 'task_marked_ready'])
        WITH ORDINALITY AS events (event, nth)
    ORDER BY ord, nth
)
SELECT pg_notify('floor', '')::text";

const REGISTER: &str = "
INSERT INTO task_workers (id, name, lease_expires_at)
VALUES ($1, 'floor', clock_timestamp() + interval '1 day')";

const CLAIM: &str = "
WITH taken AS MATERIALIZED (
    SELECT id, task_execution_id, priority FROM task_outbox
    WHERE NOT held ORDER BY priority DESC, id LIMIT $2
    FOR UPDATE SKIP LOCKED
),
worker AS MATERIALIZED (
    SELECT id FROM task_workers WHERE id = $1 AND lease_expires_at > clock_timestamp()
    FOR KEY SHARE
),
moved AS (
    UPDATE task_executions t
    SET status = 'Running', attempt = t.attempt + 1, epoch = t.epoch + 1,
        updated_at = clock_timestamp()
    FROM unnest(
        ARRAY(SELECT task_execution_id FROM taken), ARRAY(SELECT id FROM taken),
        ARRAY(SELECT priority FROM taken)
    ) input (id, row_id, priority), worker
    WHERE t.id = input.id AND t.id = ANY(ARRAY(SELECT task_execution_id FROM taken))
        AND t.status = 'Ready'
    RETURNING t.id, t.pipeline_execution_id, t.task_name, t.input, t.attempt, t.epoch,
        worker.id AS worker_id, input.row_id, input.priority
),
left_outbox AS (
    DELETE FROM task_outbox WHERE id = ANY(ARRAY(SELECT row_id FROM moved))
),
claimed AS (
    INSERT INTO task_claims (task_execution_id, worker_id, epoch)
    SELECT id, worker_id, epoch FROM moved
),
logged AS (
    INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type, event_data)
    SELECT pipeline_execution_id, id, 'task_claimed',
        jsonb_build_object('worker', worker_id, 'attempt', attempt, 'epoch', epoch)
    FROM moved ORDER BY priority DESC, row_id
)
SELECT id, epoch, task_name, input, attempt FROM moved ORDER BY priority DESC, row_id";

/// The tasks are locked in the order of their ids, without which two workers can deadlock.
const COMPLETE: &str = "
WITH locked AS MATERIALIZED (
    SELECT t.id, input.ord
    FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY AS input (id, epoch, ord)
    JOIN task_executions t USING (id)
    WHERE t.status = 'Running' AND t.epoch = input.epoch AND EXISTS (
        SELECT FROM task_workers w WHERE w.id = $3 AND w.lease_expires_at > clock_timestamp()
    )
    ORDER BY t.id FOR NO KEY UPDATE OF t
),
moved AS (
    UPDATE task_executions t SET status = 'Completed', updated_at = clock_timestamp()
    FROM locked WHERE t.id = locked.id
    RETURNING t.id, locked.ord
),
left_claims AS (
    DELETE FROM task_claims WHERE task_execution_id = ANY(ARRAY(SELECT id FROM moved))
),
logged AS (
    INSERT INTO execution_events (task_execution_id, event_type)
    SELECT id, 'task_completed' FROM moved ORDER BY ord
)
SELECT id FROM moved";

pub(crate) struct Floor;

#[async_trait]
impl Peer for Floor {
    fn about(&self) -> About {
        About {
            name: "SQL by hand",
            package: "tokio-postgres",
            keeps: "the task and 4 events",
            unfinished: "SELECT count(*) FROM task_executions WHERE status <> 'Completed'",
        }
    }

    fn settings(&self, mode: Mode) -> String {
        format!("{} × {}", workers(mode), floor::BATCH)
    }

    async fn open(&self, _backend: Backend, url: &str, mode: Mode) -> Result<Box<dyn Queue>> {
        DAL::connect(url).await?.migrate().await?;
        let client = connect(url).await?;
        Ok(Box::new(Tasks {
            enqueue: client.prepare(ENQUEUE).await?,
            client,
            mode,
            url: url.to_owned(),
        }))
    }
}

fn workers(mode: Mode) -> usize {
    match mode {
        Mode::Throughput => floor::WORKERS,
        Mode::Latency | Mode::Defaults => 1,
    }
}

struct Tasks {
    client: Client,
    enqueue: Statement,
    mode: Mode,
    url: String,
}

#[async_trait]
impl Queue for Tasks {
    async fn enqueue(&self, jobs: usize) -> Result<()> {
        for piece in pieces(jobs, BATCH) {
            let new: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(piece).collect();
            self.client.query(&self.enqueue, &[&new]).await?;
        }
        Ok(())
    }

    async fn start(&self, starts: Starts) -> Result<Box<dyn Worker>> {
        let mut loops = Vec::new();
        for _ in 0..workers(self.mode) {
            let claimer = Claimer::connect(&self.url).await?;
            loops.push(tokio::spawn(claimer.run(starts.clone())));
        }
        Ok(Box::new(Loops(loops)))
    }
}

struct Claimer {
    client: Client,
    notified: mpsc::UnboundedReceiver<()>,
    worker: Uuid,
    claim: Statement,
    complete: Statement,
}

impl Claimer {
    async fn connect(url: &str) -> Result<Self> {
        let (client, mut driver) = tokio_postgres::connect(url, NoTls).await?;
        let (notify, notified) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| driver.poll_message(context)).await {
                if matches!(message, AsyncMessage::Notification(_)) {
                    // The loop may have ended; the client still needs its answers.
                    let _ = notify.send(());
                }
            }
        });
        let worker = Uuid::now_v7();
        client.execute(REGISTER, &[&worker]).await?;
        client.batch_execute("LISTEN floor").await?;
        Ok(Self {
            claim: client.prepare(CLAIM).await?,
            complete: client.prepare(COMPLETE).await?,
            client,
            notified,
            worker,
        })
    }

    async fn run(mut self, starts: Starts) -> Result<()> {
        loop {
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] =
                [&self.worker, &floor::BATCH];
            let rows = self.client.query(&self.claim, &values).await?;
            if rows.is_empty() {
                if self.notified.recv().await.is_none() {
                    return Ok(());
                }
                continue;
            }
            rows.iter().for_each(|_| starts.tell());
            let tasks: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
            let epochs: Vec<i64> = rows.iter().map(|row| row.get(1)).collect();
            let ends = [&tasks as _, &epochs as _, &self.worker as _];
            let ended = self.client.query(&self.complete, &ends).await?;
            ensure!(
                ended.len() == tasks.len(),
                "a task was taken from its worker"
            );
        }
    }
}

struct Loops(Vec<JoinHandle<Result<()>>>);

#[async_trait]
impl Worker for Loops {
    async fn stop(self: Box<Self>) -> Result<()> {
        for run in self.0 {
            run.abort();
            if let Ok(ended) = run.await {
                ended?;
            }
        }
        Ok(())
    }
}
