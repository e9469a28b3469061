//! Postgres without a DAL: for each step one statement that is prepared once, between BEGIN and COMMIT.

use tokio_postgres::{Client, Row, Statement, types::ToSql};
use uuid::Uuid;

use crate::mark_ready::contestant::postgres_sql::{TASK, TASKS, connect, prepare, run};

const REGISTER: &str = "
INSERT INTO task_workers (id, name, lease_expires_at)
VALUES ($1, 'bench', clock_timestamp() + interval '1 day')";

const CREATE: &str = "
WITH input AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[]) WITH ORDINALITY AS input (id, ord)
),
made AS (
    INSERT INTO task_executions (id, task_name) SELECT id, 'bench' FROM input ORDER BY ord
)
INSERT INTO execution_events (task_execution_id, event_type)
SELECT id, 'task_created' FROM input ORDER BY ord";

/// Joined by arrays and looked up by a list: by the rows of the outbox, which was empty when it was counted, the planner
/// reads all tasks. That a task is Ready is known by its row: asked for here, where few were Ready when they were counted,
/// the planner compares each with each.
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

const COMPLETE_ONE: &str = "
WITH moved AS (
    UPDATE task_executions SET status = 'Completed', updated_at = clock_timestamp()
    WHERE id = $1 AND status = 'Running' AND epoch = $2 AND EXISTS (
        SELECT FROM task_workers w WHERE w.id = $3 AND w.lease_expires_at > clock_timestamp()
    )
    RETURNING id
),
left_claims AS (
    DELETE FROM task_claims WHERE task_execution_id = (SELECT id FROM moved)
),
logged AS (
    INSERT INTO execution_events (task_execution_id, event_type)
    SELECT id, 'task_completed' FROM moved
)
SELECT id FROM moved";

/// The tasks are locked in the order of their ids, without which two calls can deadlock.
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

pub(crate) struct Floor {
    client: Client,
    worker: Uuid,
    create: Statement,
    mark_ready: Statement,
    claim: Statement,
    complete: Statement,
    tasks: Vec<Uuid>,
    epochs: Vec<i64>,
}

impl Floor {
    /// For that many tasks.
    pub(crate) async fn new(url: &str, tasks: usize) -> Self {
        let client = connect(url).await;
        let worker = Uuid::now_v7();
        let registered = client.execute(REGISTER, &[&worker]).await;
        assert_eq!(registered.expect("it is correct"), 1);
        let (mark_ready, complete) = match tasks {
            1 => (TASK, COMPLETE_ONE),
            _ => (TASKS, COMPLETE),
        };
        Self {
            create: prepare(&client, CREATE).await,
            mark_ready: prepare(&client, mark_ready).await,
            claim: prepare(&client, CLAIM).await,
            complete: prepare(&client, complete).await,
            client,
            worker,
            tasks: Vec::new(),
            epochs: Vec::new(),
        }
    }

    pub(crate) async fn create(&mut self, tasks: usize) {
        self.tasks = std::iter::repeat_with(Uuid::now_v7).take(tasks).collect();
        run(&self.client, "BEGIN").await;
        let made = self.client.execute(&self.create, &[&self.tasks]).await;
        assert_eq!(made.expect("it is correct"), tasks as u64);
        run(&self.client, "COMMIT").await;
    }

    pub(crate) async fn mark_ready(&mut self) {
        match self.tasks.as_slice() {
            [task] => self.query(&self.mark_ready, &[task]).await,
            tasks => self.query(&self.mark_ready, &[&tasks]).await,
        };
    }

    pub(crate) async fn claim(&mut self) {
        let limit = i64::try_from(self.tasks.len()).expect("it is small");
        let claimed = self.query(&self.claim, &[&self.worker, &limit]).await;
        self.tasks = claimed.iter().map(|row| row.get(0)).collect();
        self.epochs = claimed.iter().map(|row| row.get(1)).collect();
    }

    pub(crate) async fn complete(&mut self) {
        match (self.tasks.as_slice(), self.epochs.as_slice()) {
            ([task], [epoch]) => {
                self.query(&self.complete, &[task, epoch, &self.worker])
                    .await
            }
            (tasks, epochs) => {
                self.query(&self.complete, &[&tasks, &epochs, &self.worker])
                    .await
            }
        };
    }

    /// Runs a statement, which answers with all of the tasks, in a transaction.
    async fn query(&self, statement: &Statement, values: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        run(&self.client, "BEGIN").await;
        let rows = self.client.query(statement, values).await;
        let rows = rows.expect("it is correct");
        assert_eq!(rows.len(), self.tasks.len());
        run(&self.client, "COMMIT").await;
        rows
    }
}
