//! Queries on `pipeline_executions` beside those of the transitions.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use taskbox_models::{EventType, PipelineExecution, PipelineStatus};
use taskbox_schema::{bind, execution_events, pipeline_executions, sql_types};
use uuid::Uuid;

use super::{Bind, Sql};
use crate::{Result, connection::Connection};

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
) -> Result<Option<i64>> {
    let event = (
        execution_events::pipeline_execution_id.eq(bind::Uuid(pipeline)),
        execution_events::event_type.eq(event),
    );
    let statement = diesel::insert_into(execution_events::table)
        .values(event)
        .returning(execution_events::transaction_id);
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
        .text("\nORDER BY id")
        .on_postgres(" FOR NO KEY UPDATE")
}
