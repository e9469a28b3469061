//! A database with every status and every live table in it, made by SQL alone.

use taskbox_test_support::TestDatabase;
use uuid::{Uuid, uuid};

/// Who is in it: as `@name` in SQL.
pub(crate) const UUIDS: [(&str, Uuid); 15] = [
    (
        "@pipeline_running",
        uuid!("00000000-0000-7000-8000-000000000001"),
    ),
    (
        "@pipeline_paused",
        uuid!("00000000-0000-7000-8000-000000000002"),
    ),
    (
        "@pipeline_failed",
        uuid!("00000000-0000-7000-8000-000000000003"),
    ),
    (
        "@pipeline_empty",
        uuid!("00000000-0000-7000-8000-000000000004"),
    ),
    ("@waiting", uuid!("00000000-0000-7000-8000-000000000011")),
    ("@scheduled", uuid!("00000000-0000-7000-8000-000000000012")),
    ("@ready", uuid!("00000000-0000-7000-8000-000000000013")),
    ("@running", uuid!("00000000-0000-7000-8000-000000000014")),
    ("@completed", uuid!("00000000-0000-7000-8000-000000000015")),
    ("@held", uuid!("00000000-0000-7000-8000-000000000021")),
    ("@failed", uuid!("00000000-0000-7000-8000-000000000031")),
    ("@cancelled", uuid!("00000000-0000-7000-8000-000000000032")),
    ("@redriven", uuid!("00000000-0000-7000-8000-000000000041")),
    ("@worker", uuid!("00000000-0000-7000-8000-000000000051")),
    ("@nobody", uuid!("00000000-0000-7000-8000-000000000061")),
];

pub(crate) async fn make(db: &TestDatabase) {
    db.execute(&expand(db, WHOLE)).await;
}

/// Puts the ids in the place of their names, of which none begins as another does.
pub(crate) fn expand(db: &TestDatabase, sql: &str) -> String {
    UUIDS.iter().fold(sql.to_owned(), |sql, (name, id)| {
        sql.replace(name, &db.uuid_literal(*id))
    })
}

const WHOLE: &str = r#"
INSERT INTO pipeline_executions (id, name, status, open_tasks, failed_tasks, cancelled_tasks, pause_reason) VALUES
    (@pipeline_running, 'a', 'Running', 4, 0, 0, NULL),
    (@pipeline_paused, 'b', 'Paused', 1, 0, 0, 'lunch'),
    (@pipeline_failed, 'c', 'Failed', 0, 1, 1, NULL),
    (@pipeline_empty, 'd', 'Pending', 0, 0, 0, NULL);
INSERT INTO task_executions
    (id, pipeline_execution_id, task_name, queue, priority, status, open_dependencies, attempt, recoveries, epoch)
VALUES
    (@waiting, @pipeline_running, 't', 'default', 0, 'NotStarted', 1, 0, 0, 0),
    (@scheduled, @pipeline_running, 't', 'default', 0, 'Scheduled', 0, 0, 0, 0),
    (@ready, @pipeline_running, 't', 'mail', 3, 'Ready', 0, 0, 0, 0),
    (@running, @pipeline_running, 't', 'default', 0, 'Running', 0, 1, 0, 2),
    (@completed, @pipeline_running, 't', 'default', 0, 'Completed', 0, 1, 0, 1),
    (@held, @pipeline_paused, 't', 'default', 0, 'Ready', 0, 0, 0, 0),
    (@failed, @pipeline_failed, 't', 'default', 0, 'Failed', 0, 2, 1, 2),
    (@cancelled, @pipeline_failed, 't', 'default', 0, 'Cancelled', 0, 0, 0, 0),
    (@redriven, NULL, 't', 'default', 0, 'Ready', 0, 0, 0, 2);
INSERT INTO task_dependencies (task_execution_id, dependency_id) VALUES (@waiting, @running), (@waiting, @completed);
INSERT INTO task_schedule (task_execution_id, due_at)
    SELECT id, created_at FROM task_executions WHERE id = @scheduled;
INSERT INTO task_outbox (task_execution_id, queue, priority, held) VALUES
    (@ready, 'mail', 3, false), (@held, 'default', 0, true), (@redriven, 'default', 0, false);
INSERT INTO task_workers (id, name, lease_expires_at)
    SELECT @worker, 'w', created_at FROM task_executions WHERE id = @running;
INSERT INTO task_claims (task_execution_id, worker_id, epoch) VALUES (@running, @worker, 2);
INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type, event_data) VALUES
    (@pipeline_running, NULL, 'pipeline_created', NULL),
    (@pipeline_running, @waiting, 'task_created', NULL),
    (@pipeline_running, @scheduled, 'task_created', NULL),
    (@pipeline_running, @ready, 'task_created', NULL),
    (@pipeline_running, @running, 'task_created', NULL),
    (@pipeline_running, @completed, 'task_created', NULL),
    (@pipeline_running, NULL, 'pipeline_started', NULL),
    (@pipeline_running, @scheduled, 'task_scheduled', '{"due_at": "2020-01-01T00:00:00.000000Z"}'),
    (@pipeline_running, @ready, 'task_marked_ready', NULL),
    (@pipeline_running, @running, 'task_marked_ready', NULL),
    (@pipeline_running, @running, 'task_claimed', '{"worker": "w", "attempt": 1, "epoch": 1}'),
    (@pipeline_running, @running, 'task_released', NULL),
    (@pipeline_running, @running, 'task_claimed', '{"worker": "w", "attempt": 1, "epoch": 2}'),
    (@pipeline_running, @completed, 'task_marked_ready', NULL),
    (@pipeline_running, @completed, 'task_claimed', '{"worker": "w", "attempt": 1, "epoch": 1}'),
    (@pipeline_running, @completed, 'task_completed', NULL),
    (@pipeline_paused, NULL, 'pipeline_created', NULL),
    (@pipeline_paused, @held, 'task_created', NULL),
    (@pipeline_paused, NULL, 'pipeline_started', NULL),
    (@pipeline_paused, @held, 'task_marked_ready', NULL),
    (@pipeline_paused, NULL, 'pipeline_paused', NULL),
    (@pipeline_failed, NULL, 'pipeline_created', NULL),
    (@pipeline_failed, @failed, 'task_created', NULL),
    (@pipeline_failed, @cancelled, 'task_created', NULL),
    (@pipeline_failed, NULL, 'pipeline_started', NULL),
    (@pipeline_failed, @failed, 'task_marked_ready', NULL),
    (@pipeline_failed, @failed, 'task_claimed', '{"worker": "w", "attempt": 1, "epoch": 1}'),
    (@pipeline_failed, @failed, 'task_recovered', '{"worker": "w", "epoch": 1}'),
    (@pipeline_failed, @failed, 'task_claimed', '{"worker": "w", "attempt": 2, "epoch": 2}'),
    (@pipeline_failed, @failed, 'task_failed', '{"error": "broken", "attempt": 2}'),
    (@pipeline_failed, @cancelled, 'task_cancelled', NULL),
    (@pipeline_failed, NULL, 'pipeline_failed', NULL),
    (@pipeline_empty, NULL, 'pipeline_created', NULL),
    (NULL, @redriven, 'task_created', NULL),
    (NULL, @redriven, 'task_marked_ready', NULL),
    (NULL, @redriven, 'task_claimed', '{"worker": "w", "attempt": 1, "epoch": 1}'),
    (NULL, @redriven, 'task_recovered', '{"worker": "w", "epoch": 1}'),
    (NULL, @redriven, 'task_claimed', '{"worker": "w", "attempt": 2, "epoch": 2}'),
    (NULL, @redriven, 'task_failed', '{"error": "broken", "attempt": 2}'),
    (NULL, @redriven, 'task_redriven', NULL)
"#;
