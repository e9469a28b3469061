//! A paused pipeline, as the database keeps it.

use taskbox_test_support::TestDatabase;
use uuid::Uuid;

pub(crate) async fn pause(db: &TestDatabase, pipeline: Uuid) {
    let id = db.uuid_literal(pipeline);
    db.execute(&format!(
        "UPDATE pipeline_executions SET status = 'Paused', pause_reason = 'lunch' WHERE id = {id};
UPDATE task_outbox SET held = true WHERE task_execution_id IN (
    SELECT id FROM task_executions WHERE pipeline_execution_id = {id}
);
INSERT INTO execution_events (pipeline_execution_id, event_type) VALUES ({id}, 'pipeline_paused')"
    ))
    .await;
}
