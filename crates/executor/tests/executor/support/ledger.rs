//! A table of the program's own, with a row for each time that a task took effect.

use diesel_async::RunQueryDsl;
use taskbox_dal::{Result, Tx};
use taskbox_executor::TaskContext;
use taskbox_test_support::TestDatabase;

pub(crate) async fn create(db: &TestDatabase) {
    db.execute("CREATE TABLE ledger (task TEXT NOT NULL, epoch BIGINT NOT NULL)")
        .await;
}

pub(crate) async fn enter(tx: &mut Tx<'_>, ctx: &TaskContext) -> Result<()> {
    let (task, epoch) = (ctx.task_execution_id(), ctx.epoch());
    let row = diesel::sql_query(format!("INSERT INTO ledger VALUES ('{task}', {epoch})"));
    match tx.sqlite() {
        Ok(connection) => row.execute(connection).await?,
        Err(_) => row.execute(tx.postgres()?).await?,
    };
    Ok(())
}

pub(crate) async fn rows(db: &TestDatabase) -> i64 {
    db.query_i64("SELECT count(*) FROM ledger").await
}

/// Of how many tasks it has rows.
pub(crate) async fn tasks(db: &TestDatabase) -> i64 {
    db.query_i64("SELECT count(DISTINCT task) FROM ledger")
        .await
}
