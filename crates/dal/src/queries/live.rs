//! Queries over the live tables together.

use diesel_async::RunQueryDsl;
use taskbox_models::LiveTable;
use taskbox_schema::sql_types;

use super::{Bind, Sql};
use crate::{Invariant, Result, connection::Connection};

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

/// Deletes rows of a live table whose task is not in the status of the table, of those that the condition on `o` names;
/// answers how many.
///
/// Locks their tasks, in the order of their ids, so that none comes to that status meanwhile.
pub(crate) async fn delete_stale(
    connection: &mut Connection<'_>,
    table: LiveTable,
    condition: &'static str,
    value: Bind<'_>,
) -> Result<usize> {
    let (status, table) = (Invariant::status_of(table), table.as_str());
    let statement: Sql<'_> = Sql::new(format!(
        "WITH stale AS MATERIALIZED (
    SELECT t.id FROM task_executions t JOIN {table} o ON o.task_execution_id = t.id
    WHERE t.status <> '{status}' AND {condition} "
    ))
    .bind(value)
    .text("\n    ORDER BY t.id")
    .on_postgres(" FOR NO KEY UPDATE OF t")
    .text(format!(
        "
)
DELETE FROM {table} WHERE task_execution_id IN (SELECT id FROM stale)"
    ));
    on!(connection, |c| Ok(statement.execute(c).await?))
}
