//! Who breaks what must hold.

use diesel_async::RunQueryDsl;
use taskbox_models::{LiveTable, PipelineStatus, TaskStatus};
use taskbox_schema::sql_types;
use uuid::Uuid;

use super::super::{Bind, Sql, transition::parts};
use crate::{Invariant, Result, connection::Connection};

/// The tasks or pipelines that break the invariant, in the order of their ids. One statement, so that what is between
/// two states in a transaction of another shows as neither.
pub(crate) async fn broken(
    connection: &mut Connection<'_>,
    invariant: Invariant,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let statement: Sql<'_, sql_types::Uuid> = Sql::new(breaches(invariant))
        .text("\nORDER BY 1 LIMIT ")
        .bind(Bind::Integer(limit));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// Those of the tasks that break the invariant, which is not one of pipelines.
pub(crate) async fn broken_of(
    connection: &mut Connection<'_>,
    invariant: Invariant,
    tasks: &[Uuid],
) -> Result<Vec<Uuid>> {
    let statement: Sql<'_, sql_types::Uuid> = Sql::new(breaches(invariant))
        .text(" AND t.id ")
        .bind(Bind::any_of(tasks))
        .text("\nORDER BY 1");
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// The statement up to its last condition.
fn breaches(invariant: Invariant) -> String {
    match invariant {
        Invariant::PipelineCounters => pipeline_counters(),
        Invariant::OpenDependencies => open_dependencies(),
        Invariant::RowOfItsStatus(table) => rows_of_other_statuses(table),
        Invariant::RowOfEachTask(table) => tasks_without_row(table),
        Invariant::OutboxCopies => outbox_copies(),
        Invariant::NothingStranded => stranded(),
        Invariant::PipelineStatus => pipeline_status(),
    }
}

fn pipeline_counters() -> String {
    let counts = counts();
    format!(
        "SELECT p.id FROM pipeline_executions p
LEFT JOIN (
    SELECT t.pipeline_execution_id AS pipeline, {counts}
    FROM task_executions t WHERE t.pipeline_execution_id IS NOT NULL GROUP BY t.pipeline_execution_id
) n ON n.pipeline = p.id
WHERE (p.open_tasks <> coalesce(n.open, 0) OR p.failed_tasks <> coalesce(n.failed, 0)
    OR p.cancelled_tasks <> coalesce(n.cancelled, 0))"
    )
}

/// What the counters of a pipeline should be, by its tasks `t`.
pub(super) fn counts() -> String {
    let terminal = parts::ended();
    let (failed, cancelled) = (TaskStatus::Failed, TaskStatus::Cancelled);
    format!(
        "count(*) FILTER (WHERE t.status NOT IN ({terminal})) AS open,
        count(*) FILTER (WHERE t.status = '{failed}') AS failed,
        count(*) FILTER (WHERE t.status = '{cancelled}') AS cancelled"
    )
}

/// The dependencies of `t` that have not ended.
fn open() -> String {
    let terminal = parts::ended();
    format!(
        "FROM task_dependencies d JOIN task_executions x ON x.id = d.dependency_id
    WHERE d.task_execution_id = t.id AND x.status NOT IN ({terminal})"
    )
}

fn open_dependencies() -> String {
    let (terminal, open) = (parts::ended(), open());
    format!(
        "SELECT t.id FROM task_executions t
WHERE t.status NOT IN ({terminal}) AND t.open_dependencies <> (
    SELECT count(*) {open}
)"
    )
}

fn rows_of_other_statuses(table: LiveTable) -> String {
    let (status, table) = (Invariant::status_of(table), table.as_str());
    format!(
        "SELECT t.id FROM {table} l JOIN task_executions t ON t.id = l.task_execution_id
WHERE t.status <> '{status}'"
    )
}

/// A claim of another epoch is as good as none: whoever holds it is refused, and nobody can take it back.
fn tasks_without_row(table: LiveTable) -> String {
    let status = Invariant::status_of(table);
    let epoch = match table {
        LiveTable::Claims => " AND l.epoch = t.epoch",
        LiveTable::Outbox | LiveTable::Schedule => "",
    };
    let table = table.as_str();
    format!(
        "SELECT t.id FROM task_executions t
WHERE t.status = '{status}' AND NOT EXISTS (
    SELECT 1 FROM {table} l WHERE l.task_execution_id = t.id{epoch}
)"
    )
}

fn outbox_copies() -> String {
    let (ready, paused) = (TaskStatus::Ready, PipelineStatus::Paused);
    format!(
        "SELECT t.id FROM task_outbox o JOIN task_executions t ON t.id = o.task_execution_id
LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id
WHERE t.status = '{ready}' AND (o.queue <> t.queue OR o.priority <> t.priority
    OR o.held <> coalesce(p.status = '{paused}', false))"
    )
}

fn stranded() -> String {
    let (waiting, open) = (TaskStatus::NotStarted, open());
    format!(
        "SELECT t.id FROM task_executions t
WHERE t.status = '{waiting}' AND EXISTS (
    SELECT 1 FROM task_dependencies d WHERE d.task_execution_id = t.id
) AND NOT EXISTS (
    SELECT 1 {open}
)"
    )
}

/// By the counter and not by the tasks, so that the pipelines alone are read.
fn pipeline_status() -> String {
    let ended = PipelineStatus::ALL.iter();
    let ended: Vec<_> = ended
        .filter(|status| status.is_terminal())
        .map(|status| format!("'{status}'"))
        .collect();
    let ended = ended.join(", ");
    format!(
        "SELECT p.id FROM pipeline_executions p
WHERE (p.status IN ({ended}) AND p.open_tasks > 0
    OR p.status NOT IN ({ended}) AND p.open_tasks = 0 AND EXISTS (
        SELECT 1 FROM task_executions t WHERE t.pipeline_execution_id = p.id
    ))"
    )
}
