//! What the history of long ago is of, and how it goes.

use diesel::sql_types::{BigInt, Bool, Nullable};
use diesel_async::RunQueryDsl;
use taskbox_models::PipelineStatus;
use taskbox_schema::sql_types;
use uuid::Uuid;

use crate::{
    Result,
    connection::Connection,
    queries::{Bind, Sql, transition::parts},
};

/// An event, and whether it is old enough.
#[derive(Clone, Copy, Debug, diesel::Queryable)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) pipeline: Option<Uuid>,
    pub(crate) task: Option<Uuid>,
    pub(crate) is_old: bool,
}

/// The events from here on in the order of the log, so many at the most; old are those of before so many microseconds.
pub(crate) async fn entries(
    connection: &mut Connection<'_>,
    after: i64,
    limit: i64,
    age: i64,
) -> Result<Vec<Entry>> {
    type Row = (
        BigInt,
        Nullable<sql_types::Uuid>,
        Nullable<sql_types::Uuid>,
        Bool,
    );
    let statement: Sql<'_, Row> =
        Sql::new("SELECT id, pipeline_execution_id, task_execution_id, created_at <= (SELECT ")
            .moment_in(-age)
            .text(")\nFROM execution_events WHERE id > ")
            .bind(Bind::Integer(after))
            .text(" ORDER BY id LIMIT ")
            .bind(Bind::Integer(limit));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// Locks those of the pipelines that ended before so many microseconds, but for those that are locked already. Answers
/// with each and the number of its tasks, counted as far as `limit`.
pub(crate) async fn lock_pipelines(
    connection: &mut Connection<'_>,
    pipelines: &[Uuid],
    age: i64,
    limit: i64,
) -> Result<Vec<(Uuid, i64)>> {
    let statement: Sql<'_, (sql_types::Uuid, BigInt)> = Sql::new(
        "SELECT p.id, (
    SELECT count(*) FROM (
        SELECT 1 FROM task_executions t WHERE t.pipeline_execution_id = p.id LIMIT ",
    )
    .bind(Bind::Integer(limit))
    .text("\n    ) tasks\n)\nFROM pipeline_executions p WHERE p.id ")
    .bind(Bind::any_of(pipelines))
    .text(format!(
        "\n    AND p.status IN ({}) AND p.updated_at <= ",
        ended_pipelines()
    ))
    .moment_in(-age)
    .text("\nORDER BY p.id")
    .on_postgres(" FOR UPDATE OF p SKIP LOCKED");
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// The statuses of pipelines that have ended, as SQL has them.
fn ended_pipelines() -> String {
    let ended = PipelineStatus::ALL.iter();
    let ended = ended.filter(|status| status.is_terminal());
    let ended: Vec<_> = ended.map(|status| format!("'{status}'")).collect();
    ended.join(", ")
}

/// How many pipelines, and how many tasks of none, ended before so many microseconds.
pub(crate) async fn count(connection: &mut Connection<'_>, age: i64) -> Result<(i64, i64)> {
    let statement: Sql<'_, (BigInt, BigInt)> = Sql::new(format!(
        "SELECT (
    SELECT count(*) FROM pipeline_executions WHERE status IN ({}) AND updated_at <= ",
        ended_pipelines()
    ))
    .moment_in(-age)
    .text(format!(
        "
), (
    SELECT count(*) FROM task_executions
    WHERE pipeline_execution_id IS NULL AND status IN ({}) AND updated_at <= ",
        parts::ended()
    ))
    .moment_in(-age)
    .text("\n)");
    on!(connection, |c| Ok(statement.get_result(c).await?))
}

/// Locks those of the tasks that are of no pipeline and ended before so many microseconds, but for those that are locked
/// already.
pub(crate) async fn lock_tasks(
    connection: &mut Connection<'_>,
    tasks: &[Uuid],
    age: i64,
) -> Result<Vec<Uuid>> {
    let statement: Sql<'_, sql_types::Uuid> = Sql::new("SELECT id FROM task_executions WHERE id ")
        .bind(Bind::any_of(tasks))
        .text(format!(
            "\n    AND pipeline_execution_id IS NULL AND status IN ({}) AND updated_at <= ",
            parts::ended()
        ))
        .moment_in(-age)
        .text("\nORDER BY id")
        .on_postgres(" FOR UPDATE SKIP LOCKED");
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// Deletes pipelines that are locked, with their tasks and the events of all. Answers how many events that were.
pub(crate) async fn delete_pipelines(
    connection: &mut Connection<'_>,
    pipelines: &[Uuid],
) -> Result<usize> {
    if pipelines.is_empty() {
        return Ok(0);
    }
    let of_tasks: Sql<'_> = Sql::new(
        "DELETE FROM execution_events WHERE task_execution_id IN (
    SELECT id FROM task_executions WHERE pipeline_execution_id ",
    )
    .bind(Bind::any_of(pipelines))
    .text("\n)");
    let of_pipelines: Sql<'_> = Sql::new(
        "DELETE FROM execution_events\nWHERE task_execution_id IS NULL AND pipeline_execution_id ",
    )
    .bind(Bind::any_of(pipelines));
    let rows: Sql<'_> =
        Sql::new("DELETE FROM pipeline_executions WHERE id ").bind(Bind::any_of(pipelines));
    on!(connection, |c| {
        let events = of_tasks.execute(c).await? + of_pipelines.execute(c).await?;
        rows.execute(c).await?;
        Ok(events)
    })
}

/// Deletes tasks that are locked, with their events. Answers how many events that were.
pub(crate) async fn delete_tasks(connection: &mut Connection<'_>, tasks: &[Uuid]) -> Result<usize> {
    if tasks.is_empty() {
        return Ok(0);
    }
    let events: Sql<'_> =
        Sql::new("DELETE FROM execution_events WHERE task_execution_id ").bind(Bind::any_of(tasks));
    let rows: Sql<'_> = Sql::new("DELETE FROM task_executions WHERE id ").bind(Bind::any_of(tasks));
    on!(connection, |c| {
        let events = events.execute(c).await?;
        rows.execute(c).await?;
        Ok(events)
    })
}

/// Deletes the events from one to another, inclusive, of tasks and pipelines that are no more: other SQL deletes these
/// without their history. Answers how many.
pub(crate) async fn delete_orphans(
    connection: &mut Connection<'_>,
    first: i64,
    last: i64,
) -> Result<usize> {
    let statement: Sql<'_> = Sql::new("DELETE FROM execution_events WHERE id BETWEEN ")
        .bind(Bind::Integer(first))
        .text(" AND ")
        .bind(Bind::Integer(last))
        // Looked up for each event, whatever the planner thinks of how many there are.
        .text(
            "
    AND (SELECT t.id FROM task_executions t WHERE t.id = task_execution_id) IS NULL
    AND (
        SELECT p.id FROM pipeline_executions p
        WHERE p.id = execution_events.pipeline_execution_id AND task_execution_id IS NULL
    ) IS NULL",
        );
    on!(connection, |c| Ok(statement.execute(c).await?))
}
