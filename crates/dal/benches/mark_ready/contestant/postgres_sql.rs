//! Postgres without a DAL: tokio-postgres, and statements prepared once.

use tokio_postgres::{Client, NoTls, Statement};
use uuid::Uuid;

use crate::mark_ready::case::Case;

/// A task of no pipeline.
pub(crate) const TASK: &str = "
WITH moved AS (
    UPDATE task_executions SET status = 'Ready', updated_at = clock_timestamp()
    WHERE id = $1 AND status = 'NotStarted'
    RETURNING id, queue, priority
),
published AS (
    INSERT INTO task_outbox (task_execution_id, queue, priority)
    SELECT id, queue, priority FROM moved
),
logged AS (
    INSERT INTO execution_events (task_execution_id, event_type)
    SELECT id, 'task_marked_ready' FROM moved
)
SELECT id FROM moved";

/// A task of a pipeline that has started, which is locked against being paused meanwhile.
const TASK_OF_PIPELINE: &str = "
WITH pipeline AS MATERIALIZED (
    SELECT p.id, p.status FROM pipeline_executions p
    WHERE p.id = (SELECT pipeline_execution_id FROM task_executions WHERE id = $1)
    FOR KEY SHARE
),
moved AS (
    UPDATE task_executions t SET status = 'Ready', updated_at = clock_timestamp()
    FROM pipeline
    WHERE t.id = $1 AND t.status = 'NotStarted'
    RETURNING t.id, t.queue, t.priority, pipeline.id AS pipeline_id, pipeline.status
),
published AS (
    INSERT INTO task_outbox (task_execution_id, queue, priority, held)
    SELECT id, queue, priority, status = 'Paused' FROM moved
),
logged AS (
    INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)
    SELECT pipeline_id, id, 'task_marked_ready' FROM moved
)
SELECT id FROM moved";

/// Tasks of no pipeline. They are locked in the order of their ids, without which two calls can deadlock.
pub(crate) const TASKS: &str = "
WITH locked AS MATERIALIZED (
    SELECT t.id, t.status, input.ord
    FROM unnest($1::uuid[]) WITH ORDINALITY AS input (id, ord)
    JOIN task_executions t USING (id)
    ORDER BY t.id FOR NO KEY UPDATE OF t
),
moved AS (
    UPDATE task_executions t SET status = 'Ready', updated_at = clock_timestamp()
    FROM locked
    WHERE t.id = locked.id AND locked.status = 'NotStarted'
    RETURNING t.id, t.queue, t.priority, locked.ord
),
published AS (
    INSERT INTO task_outbox (task_execution_id, queue, priority)
    SELECT id, queue, priority FROM moved ORDER BY ord
),
logged AS (
    INSERT INTO execution_events (task_execution_id, event_type)
    SELECT id, 'task_marked_ready' FROM moved ORDER BY ord
)
SELECT id FROM moved";

const UPDATE: &str = "
UPDATE task_executions SET status = 'Ready', updated_at = clock_timestamp()
WHERE id = ANY($1::uuid[]) AND status = 'NotStarted'
RETURNING id";

const PUBLISH: &str = "
INSERT INTO task_outbox (task_execution_id, queue, priority, held)
SELECT t.id, t.queue, t.priority, coalesce(p.status = 'Paused', false)
FROM unnest($1::uuid[]) WITH ORDINALITY AS input (id, ord)
JOIN task_executions t USING (id)
LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id
ORDER BY input.ord";

const LOG: &str = "
INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)
SELECT t.pipeline_execution_id, t.id, 'task_marked_ready'
FROM unnest($1::uuid[]) WITH ORDINALITY AS input (id, ord)
JOIN task_executions t USING (id)
ORDER BY input.ord";

/// The floor: one statement between BEGIN and COMMIT, of no more than these tasks need.
pub(crate) struct OneStatement {
    client: Client,
    statement: Statement,
}

impl OneStatement {
    pub(crate) async fn new(url: &str, case: Case) -> Self {
        let client = connect(url).await;
        let sql = match (case.tasks, case.in_pipeline) {
            (1, false) => TASK,
            (1, true) => TASK_OF_PIPELINE,
            _ => TASKS,
        };
        let statement = prepare(&client, sql).await;
        Self { client, statement }
    }

    pub(crate) async fn mark_ready(&self, tasks: &[Uuid]) {
        run(&self.client, "BEGIN").await;
        let moved = match tasks {
            [task] => self.client.query(&self.statement, &[task]).await,
            _ => self.client.query(&self.statement, &[&tasks]).await,
        };
        assert_eq!(moved.expect("it is correct").len(), tasks.len());
        run(&self.client, "COMMIT").await;
    }
}

/// The textbook's five round trips, which lock in whatever order the plan has.
pub(crate) struct Sequence {
    client: Client,
    update: Statement,
    publish: Statement,
    log: Statement,
}

impl Sequence {
    pub(crate) async fn new(url: &str) -> Self {
        let client = connect(url).await;
        Self {
            update: prepare(&client, UPDATE).await,
            publish: prepare(&client, PUBLISH).await,
            log: prepare(&client, LOG).await,
            client,
        }
    }

    pub(crate) async fn mark_ready(&self, tasks: &[Uuid]) {
        run(&self.client, "BEGIN").await;
        for statement in [&self.update, &self.publish, &self.log] {
            let rows = self.client.execute(statement, &[&tasks]).await;
            assert_eq!(rows.expect("it is correct"), tasks.len() as u64);
        }
        run(&self.client, "COMMIT").await;
    }
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, driver) = tokio_postgres::connect(url, NoTls)
        .await
        .expect("the database is there");
    tokio::spawn(driver);
    client
}

pub(crate) async fn prepare(client: &Client, sql: &str) -> Statement {
    client.prepare(sql).await.expect("it is correct")
}

pub(crate) async fn run(client: &Client, sql: &str) {
    client.batch_execute(sql).await.expect("it is correct");
}
