//! Queries on `task_outbox` beside those of the transitions.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper, sql_types::Nullable,
};
use diesel_async::RunQueryDsl;
use taskbox_models::{TaskOutbox, TaskStatus};
use taskbox_schema::{bind, sql_types, task_executions, task_outbox};
use uuid::Uuid;

use super::{Bind, Sql, transition::parts};
use crate::{Result, connection::Connection};

/// The rows in the order in which claims take them.
pub(crate) async fn list_pending(
    connection: &mut Connection<'_>,
    limit: i64,
) -> Result<Vec<TaskOutbox>> {
    let query = task_outbox::table
        .order((
            task_outbox::held,
            task_outbox::priority.desc(),
            task_outbox::id,
        ))
        .limit(limit);
    on!(connection, |c| Ok(query
        .select(TaskOutbox::as_select())
        .load(c)
        .await?))
}

/// How many rows there are.
pub(crate) async fn count_pending(connection: &mut Connection<'_>) -> Result<i64> {
    on!(connection, |c| Ok(task_outbox::table
        .count()
        .get_result(c)
        .await?))
}

/// A queue, its rows that may be claimed, those that are held, and for how many microseconds the oldest of the former
/// has waited.
pub(crate) type Depth = (String, i64, i64, Option<i64>);

/// How much waits in each queue that has a row, in the order of their names. Reads the whole outbox.
pub(crate) async fn depths(connection: &mut Connection<'_>) -> Result<Vec<Depth>> {
    type Row = (
        sql_types::Text,
        sql_types::Int8,
        sql_types::Int8,
        Nullable<sql_types::Int8>,
    );
    let statement: Sql<'_, Row> = Sql::new(
        "SELECT queue, count(*) FILTER (WHERE NOT held), count(*) FILTER (WHERE held),\n    ",
    )
    .microseconds_since("min(created_at) FILTER (WHERE NOT held)")
    .text("\nFROM task_outbox GROUP BY queue ORDER BY queue");
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// Locks a task's pipeline against being paused, then the task, and reads its status; `None` if there is
/// no such task.
pub(crate) async fn lock(
    connection: &mut Connection<'_>,
    task: Uuid,
) -> Result<Option<TaskStatus>> {
    let pipeline: Sql<'_, sql_types::Uuid> = Sql::new(
        "SELECT p.id FROM pipeline_executions p
JOIN task_executions t ON t.pipeline_execution_id = p.id
WHERE t.id = ",
    )
    .bind(Bind::Id(task))
    .on_postgres("\nFOR KEY SHARE OF p");
    on!(connection, |c| pipeline.load::<Uuid>(c).await?);
    let query = task_executions::table
        .filter(task_executions::id.eq(bind::Uuid(task)))
        .select(task_executions::status);
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => Ok(query
            .for_no_key_update()
            .first(line.begun().await?)
            .await
            .optional()?),
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => Ok(query.first(line.begun().await?).await.optional()?),
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

/// Publishes a task that is locked and Ready; `None` if it already has a row.
pub(crate) async fn publish(
    connection: &mut Connection<'_>,
    task: Uuid,
) -> Result<Option<TaskOutbox>> {
    let leave = "ON CONFLICT (task_execution_id) DO NOTHING";
    Ok(insert(connection, &[task], leave).await?.pop())
}

/// Publishes tasks that are locked and Ready; the rows that some have become theirs. Answers of how many.
pub(crate) async fn republish(connection: &mut Connection<'_>, tasks: &[Uuid]) -> Result<usize> {
    Ok(insert(connection, tasks, parts::REPUBLISH).await?.len())
}

/// Publishes tasks in the order of their ids.
///
/// On Postgres the tasks' rows are written with it, as they were. Else who cancels a task in a transaction whose
/// snapshot is older, at REPEATABLE READ, would be let through and leave the row behind, which it cannot see.
async fn insert(
    connection: &mut Connection<'_>,
    tasks: &[Uuid],
    on_conflict: &'static str,
) -> Result<Vec<TaskOutbox>> {
    let statement: Sql<'_, (sql_types::Int8, sql_types::Uuid, sql_types::Timestamptz)> =
        Sql::new("")
            .on_postgres("WITH published AS (\n")
            .text(format!(
                "{}
FROM task_executions t LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id
WHERE t.id ",
                parts::publish()
            ))
            .bind(Bind::any_of(tasks))
            .text(format!(
                "\nORDER BY t.id\n{on_conflict}\nRETURNING id, task_execution_id, created_at"
            ))
            .on_postgres(
                "
),
changed AS (
    UPDATE task_executions t SET updated_at = t.updated_at
    FROM published WHERE t.id = published.task_execution_id
)
SELECT id, task_execution_id, created_at FROM published",
            );
    on!(connection, |c| Ok(statement.load(c).await?))
}
