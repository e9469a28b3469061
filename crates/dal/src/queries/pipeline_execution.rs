//! Queries on `pipeline_executions` beside those of the transitions.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use taskbox_models::{EventType, Field, PipelineExecution, PipelineStatus, TaskStatus};
use taskbox_schema::{bind, pipeline_executions, sql_types};
use uuid::Uuid;

use super::{Bind, Sql};
use crate::{PipelineFilter, Result, connection::Connection};

/// The pipeline; `None` if there is no such one.
pub(crate) async fn get(
    connection: &mut Connection<'_>,
    pipeline: Uuid,
) -> Result<Option<PipelineExecution>> {
    let query = pipeline_executions::table.filter(pipeline_executions::id.eq(bind::Uuid(pipeline)));
    on!(connection, |c| Ok(query
        .select(PipelineExecution::as_select())
        .first(c)
        .await
        .optional()?))
}

/// The newest pipelines, newest first.
pub(crate) async fn list_recent(
    connection: &mut Connection<'_>,
    limit: i64,
) -> Result<Vec<PipelineExecution>> {
    let query = pipeline_executions::table
        .order(pipeline_executions::id.desc())
        .limit(limit);
    on!(connection, |c| Ok(query
        .select(PipelineExecution::as_select())
        .load(c)
        .await?))
}

/// The newest of the pipelines that pass the filter, newest first.
///
/// There is no index on the status, so without one among the newest so many none is found.
pub(crate) async fn list(
    connection: &mut Connection<'_>,
    filter: &PipelineFilter,
    limit: i64,
) -> Result<Vec<PipelineExecution>> {
    let columns = "id, name, status, open_tasks, failed_tasks, cancelled_tasks, pause_reason, created_at, updated_at";
    let rows = Sql::<pipeline_executions::SqlType>::new(format!(
        "SELECT {columns} FROM (\n    SELECT {columns} FROM pipeline_executions"
    ));
    let rows = match filter.before {
        Some(before) => rows.text(" WHERE id < ").bind(Bind::Id(before)),
        None => rows,
    };
    let look = if filter.status.is_some() || filter.name.is_some() {
        PipelineFilter::LOOK
    } else {
        limit
    };
    let rows = rows
        .text("\n    ORDER BY id DESC LIMIT ")
        .bind(Bind::Integer(look))
        .text("\n) p\nWHERE true");
    let rows = match filter.status {
        Some(status) => rows
            .text(" AND status = ")
            .bind(Bind::Text(status.as_str())),
        None => rows,
    };
    let rows = match &filter.name {
        Some(name) => rows.text(" AND name = ").bind(Bind::Text(name)),
        None => rows,
    };
    let rows = rows
        .text("\nORDER BY id DESC LIMIT ")
        .bind(Bind::Integer(limit));
    on!(connection, |c| Ok(rows.load(c).await?))
}

/// Makes a pipeline; `None` if there is one of this id.
pub(crate) async fn insert(
    connection: &mut Connection<'_>,
    id: Uuid,
    name: &str,
) -> Result<Option<PipelineExecution>> {
    let statement: Sql<'_, pipeline_executions::SqlType> =
        Sql::new("INSERT INTO pipeline_executions (id, name) VALUES (")
            .bind(Bind::Id(id))
            .text(", ")
            .bind(Bind::Text(name))
            .text(
                ")
ON CONFLICT (id) DO NOTHING
RETURNING id, name, status, open_tasks, failed_tasks, cancelled_tasks, pause_reason, created_at, updated_at",
            );
    let mut rows: Vec<PipelineExecution> = on!(connection, |c| statement.load(c).await?);
    Ok(rows.pop())
}

/// Writes an event of a pipeline, and answers with the id of the transaction.
pub(crate) async fn log(
    connection: &mut Connection<'_>,
    pipeline: Uuid,
    event: EventType,
    reason: Option<&str>,
) -> Result<Option<i64>> {
    let statement: Sql<'_, sql_types::Int8> = Sql::new(
        "INSERT INTO execution_events (pipeline_execution_id, event_type, event_data)\nVALUES (",
    )
    .bind(Bind::Id(pipeline))
    .text(format!(", '{event}', "));
    let statement = match reason {
        None => statement.text("NULL"),
        Some(reason) => statement
            .either("jsonb_build_object", "json_object")
            .text(format!("('{}', ", Field::Reason.as_str()))
            .bind(Bind::Text(reason))
            .text(")"),
    };
    let statement = statement.text(")\nRETURNING transaction_id");
    let mut ids: Vec<i64> = on!(connection, |c| statement.load(c).await?);
    Ok(ids.pop())
}

/// Locks pipelines as their graphs' mutex, in the order of their ids, and reads their statuses; those that
/// are not there are left out.
pub(crate) async fn lock(
    connection: &mut Connection<'_>,
    pipelines: &[Uuid],
) -> Result<Vec<(Uuid, PipelineStatus)>> {
    let statement = lock_statement(pipelines);
    on!(connection, |c| Ok(statement.load(c).await?))
}

pub(crate) fn lock_statement(pipelines: &[Uuid]) -> Sql<'_, (sql_types::Uuid, sql_types::Text)> {
    Sql::new("SELECT id, status FROM pipeline_executions WHERE id ")
        .bind(Bind::any_of(pipelines))
        .guard(" AND ")
        .text("\nORDER BY id")
        .on_postgres(" FOR NO KEY UPDATE")
}

/// A pipeline that is locked against all that becomes ready in it.
#[derive(Clone, Copy, Debug, diesel::Queryable)]
pub(crate) struct Locked {
    pub(crate) status: PipelineStatus,
    /// Whether the statements that follow see everything that became ready while the lock was waited for. Its row does
    /// not change with that, so a snapshot from before would not be refused.
    pub(crate) sees_all: bool,
}

/// Locks a pipeline so that nothing becomes ready in it; `None` if there is no such one.
pub(crate) async fn lock_out(
    connection: &mut Connection<'_>,
    pipeline: Uuid,
) -> Result<Option<Locked>> {
    let statement: Sql<'_, (sql_types::Text, sql_types::Bool)> = Sql::new("SELECT status, ")
        .either(
            "current_setting('transaction_isolation') LIKE 'read %'",
            "true",
        )
        .text(" FROM pipeline_executions WHERE id = ")
        .bind(Bind::Id(pipeline))
        .on_postgres(" FOR UPDATE");
    let mut rows: Vec<Locked> = on!(connection, |c| statement.load(c).await?);
    Ok(rows.pop())
}

/// Moves a pipeline to `Paused`.
pub(crate) async fn pause(
    connection: &mut Connection<'_>,
    pipeline: Uuid,
    reason: &str,
) -> Result<()> {
    let paused = format!("'{}'", PipelineStatus::Paused);
    set_status(connection, pipeline, &paused, Some(reason)).await
}

/// Moves a paused pipeline to where its tasks say it is.
pub(crate) async fn resume(connection: &mut Connection<'_>, pipeline: Uuid) -> Result<()> {
    let (pending, running) = (PipelineStatus::Pending, PipelineStatus::Running);
    let waiting = TaskStatus::NotStarted;
    let by_tasks = format!(
        "CASE
    WHEN EXISTS (
        SELECT 1 FROM task_executions t
        WHERE t.pipeline_execution_id = pipeline_executions.id AND t.status <> '{waiting}'
    ) THEN '{running}'
    ELSE '{pending}'
END"
    );
    set_status(connection, pipeline, &by_tasks, None).await
}

/// Moves a pipeline without open tasks to `Cancelled`.
pub(crate) async fn cancel(connection: &mut Connection<'_>, pipeline: Uuid) -> Result<()> {
    let cancelled = format!("'{}'", PipelineStatus::Cancelled);
    set_status(connection, pipeline, &cancelled, None).await
}

/// The status is in the words of SQL; the reason is that of a pause.
async fn set_status(
    connection: &mut Connection<'_>,
    pipeline: Uuid,
    status: &str,
    reason: Option<&str>,
) -> Result<()> {
    let statement: Sql<'_> = Sql::new(format!(
        "UPDATE pipeline_executions SET status = {status}, pause_reason = "
    ));
    let statement = match reason {
        Some(reason) => statement.bind(Bind::Text(reason)),
        None => statement.text("NULL"),
    };
    let statement = statement.text(", updated_at = ").now();
    let statement = statement.text("\nWHERE id = ").bind(Bind::Id(pipeline));
    on!(connection, |c| statement.execute(c).await?);
    Ok(())
}

/// Puts the ready tasks of a pipeline where no claim looks.
pub(crate) async fn hold(connection: &mut Connection<'_>, pipeline: Uuid) -> Result<()> {
    set_held("true", connection, pipeline).await
}

/// Puts them back.
pub(crate) async fn let_go(connection: &mut Connection<'_>, pipeline: Uuid) -> Result<()> {
    set_held("false", connection, pipeline).await
}

/// By a list, so that the rows are looked up by their tasks whatever the planner thinks of the number of these.
async fn set_held(
    held: &'static str,
    connection: &mut Connection<'_>,
    pipeline: Uuid,
) -> Result<()> {
    let ready = TaskStatus::Ready;
    let statement: Sql<'_> = Sql::new("UPDATE task_outbox SET held = ")
        .text(held)
        .text(" WHERE task_execution_id ")
        .either("= ANY(ARRAY(", "IN (")
        .text("\n    SELECT id FROM task_executions WHERE pipeline_execution_id = ")
        .bind(Bind::Id(pipeline))
        .text(format!(" AND status = '{ready}'\n)"))
        .on_postgres(")");
    on!(connection, |c| statement.execute(c).await?);
    Ok(())
}
