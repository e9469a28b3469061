//! Tasks in every status: by the API, and by SQL where a worker would be needed. The database stays whole.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

/// Makes a task and brings it to a status.
pub(crate) async fn task_in(
    db: &TestDatabase,
    dal: &DAL,
    pipeline: Option<Uuid>,
    status: TaskStatus,
) -> Uuid {
    let mut new = NewTaskExecution::standalone("a");
    new.pipeline_execution_id = pipeline;
    let tasks = || dal.task_execution();
    let id = tasks().create(new).await.unwrap().id;
    match status {
        TaskStatus::NotStarted => {}
        TaskStatus::Scheduled => tasks().schedule(id, Duration::from_hours(1)).await.unwrap(),
        TaskStatus::Ready => tasks().mark_ready(id).await.unwrap(),
        TaskStatus::Running => run(db, dal, id).await,
        TaskStatus::Completed | TaskStatus::Failed => {
            run(db, dal, id).await;
            end(db, id, status).await;
        }
        TaskStatus::Skipped => tasks().skip(id, "not needed").await.unwrap(),
        TaskStatus::Cancelled => tasks().cancel(id).await.unwrap(),
    }
    id
}

/// Hands the task to a worker of its own, which has the task's id.
async fn run(db: &TestDatabase, dal: &DAL, task: Uuid) {
    dal.task_execution().mark_ready(task).await.unwrap();
    let id = db.uuid_literal(task);
    db.execute(&format!(
        "BEGIN;
DELETE FROM task_outbox WHERE task_execution_id = {id};
UPDATE task_executions SET status = 'Running', attempt = 1, epoch = 1 WHERE id = {id};
INSERT INTO task_workers (id, name, lease_expires_at)
    SELECT id, 'w', created_at FROM task_executions WHERE id = {id};
INSERT INTO task_claims (task_execution_id, worker_id, epoch) VALUES ({id}, {id}, 1);
INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type, event_data)
    SELECT pipeline_execution_id, id, 'task_claimed',
        '{{\"worker\": \"{task}\", \"attempt\": 1, \"epoch\": 1}}'
    FROM task_executions WHERE id = {id};
COMMIT"
    ))
    .await;
}

/// Ends a running task as its worker would, and its pipeline with it if it was the last.
async fn end(db: &TestDatabase, task: Uuid, status: TaskStatus) {
    let id = db.uuid_literal(task);
    let (failed, event, data) = match status {
        TaskStatus::Failed => (1, "task_failed", r#"'{"error": "broken", "attempt": 1}'"#),
        _ => (0, "task_completed", "NULL"),
    };
    let pipeline = format!("(SELECT pipeline_execution_id FROM task_executions WHERE id = {id})");
    db.execute(&format!(
        "BEGIN;
DELETE FROM task_claims WHERE task_execution_id = {id};
UPDATE task_executions SET status = '{status}' WHERE id = {id};
UPDATE pipeline_executions SET open_tasks = open_tasks - 1, failed_tasks = failed_tasks + {failed}
    WHERE id = {pipeline};
INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type, event_data)
    SELECT pipeline_execution_id, id, '{event}', {data} FROM task_executions WHERE id = {id};
UPDATE pipeline_executions SET status = CASE
        WHEN failed_tasks > 0 THEN 'Failed'
        WHEN cancelled_tasks > 0 THEN 'Cancelled'
        ELSE 'Completed'
    END
    WHERE id = {pipeline} AND open_tasks = 0;
INSERT INTO execution_events (pipeline_execution_id, event_type)
    SELECT id, 'pipeline_' || lower(status) FROM pipeline_executions
    WHERE id = {pipeline} AND open_tasks = 0;
COMMIT"
    ))
    .await;
}
