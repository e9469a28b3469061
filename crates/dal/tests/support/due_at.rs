//! When a task is due, which no accessor tells.

use chrono::{DateTime, Utc};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

pub(crate) async fn due_at(db: &TestDatabase, task: Uuid) -> DateTime<Utc> {
    let due_at = match db.backend() {
        Backend::Postgres => "(extract(epoch FROM due_at) * 1000000)::bigint",
        Backend::Sqlite => "due_at",
    };
    let id = db.uuid_literal(task);
    let sql = format!("SELECT {due_at} FROM task_schedule WHERE task_execution_id = {id}");
    DateTime::from_timestamp_micros(db.query_i64(&sql).await).unwrap()
}
