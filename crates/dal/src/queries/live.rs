//! Queries over the live tables together.

use diesel_async::RunQueryDsl;
use taskbox_schema::sql_types;

use super::Sql;
use crate::{Result, connection::Connection};

/// How many tasks are Scheduled, how many of those are due, and how many are Running.
pub(crate) async fn count(connection: &mut Connection<'_>) -> Result<(i64, i64, i64)> {
    type Row = (sql_types::Int8, sql_types::Int8, sql_types::Int8);
    // As a query of its own it is asked once, so that an index can be searched by it.
    let statement: Sql<'_, Row> = Sql::new(
        "SELECT (SELECT count(*) FROM task_schedule),
    (SELECT count(*) FROM task_schedule WHERE due_at <= (SELECT ",
    )
    .now()
    .text(")),\n    (SELECT count(*) FROM task_claims)");
    let mut rows: Vec<(i64, i64, i64)> = on!(connection, |c| statement.load(c).await?);
    Ok(rows.pop().unwrap_or_default())
}
