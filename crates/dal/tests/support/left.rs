//! What a call that was broken off may have left.

use std::time::Duration;

use taskbox_dal::{DAL, Error};
use taskbox_test_support::{Backend, TestDatabase};
use tokio::time::Instant;

/// Fails if a transaction, a lock or a place in the pool of two is lost.
pub(crate) async fn assert_nothing_is_held(db: &TestDatabase, dal: &DAL) {
    match db.backend() {
        Backend::Postgres => {
            wait_until_idle(db).await;
            let every_lock = "SELECT id FROM task_executions FOR UPDATE NOWAIT;
                SELECT id FROM task_workers FOR UPDATE NOWAIT;
                SELECT id FROM pipeline_executions FOR UPDATE NOWAIT";
            db.execute(every_lock).await;
        }
        // Waits for a statement that is under way, and not for a transaction that nobody ends.
        Backend::Sqlite => db.execute("BEGIN IMMEDIATE; ROLLBACK").await,
    }
    assert_both_connections_are_usable(dal).await;
}

/// The server notices within moments that the client hung up.
async fn wait_until_idle(db: &TestDatabase) {
    let busy = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'taskbox' AND state <> 'idle'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while db.query_i64(busy).await > 0 {
        assert!(Instant::now() < deadline, "a transaction was left open");
    }
}

async fn assert_both_connections_are_usable(dal: &DAL) {
    dal.transaction(async |tx| {
        tx.task_outbox().count_pending().await?;
        dal.task_outbox().count_pending().await?;
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}
