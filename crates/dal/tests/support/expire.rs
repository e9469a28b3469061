//! A lease that has expired, without waiting for it.

use taskbox_models::Worker;
use taskbox_test_support::TestDatabase;

/// Lets the worker's lease end when it began.
pub(crate) async fn expire(db: &TestDatabase, worker: &Worker) {
    let id = db.uuid_literal(worker.id);
    let sql = format!("UPDATE task_workers SET lease_expires_at = registered_at WHERE id = {id}");
    db.execute(&sql).await;
}
