//! Queries on `task_executions` beside those of the transitions.

#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use taskbox_models::{NewTaskExecution, PipelineStatus, TaskExecution, TaskStatus};
use taskbox_schema::{bind, sql_types, task_executions};
use uuid::Uuid;

use super::{Bind, Sql};
#[cfg(feature = "postgres")]
use crate::witness::Subject;
use crate::{Result, Tx, connection::Connection};

/// The task; `None` if there is no such one.
pub(crate) async fn get(
    connection: &mut Connection<'_>,
    task: Uuid,
) -> Result<Option<TaskExecution>> {
    let query = task_executions::table.filter(task_executions::id.eq(bind::Uuid(task)));
    on!(connection, |c| Ok(query
        .select(TaskExecution::as_select())
        .first(c)
        .await
        .optional()?))
}

/// A pipeline's tasks in the order of their ids; empty if there is no such pipeline.
pub(crate) async fn list_by_pipeline(
    connection: &mut Connection<'_>,
    pipeline: Uuid,
) -> Result<Vec<TaskExecution>> {
    let query = task_executions::table
        .filter(task_executions::pipeline_execution_id.eq(bind::Uuid(pipeline)))
        .order(task_executions::id);
    on!(connection, |c| Ok(query
        .select(TaskExecution::as_select())
        .load(c)
        .await?))
}

/// A pipeline's tasks that have not ended, in the order of their ids.
pub(crate) async fn open_of(connection: &mut Connection<'_>, pipeline: Uuid) -> Result<Vec<Uuid>> {
    let live: Vec<_> = TaskStatus::LIVE.to_vec();
    let query = task_executions::table
        .filter(task_executions::pipeline_execution_id.eq(bind::Uuid(pipeline)))
        .filter(task_executions::status.eq_any(live))
        .order(task_executions::id)
        .select(task_executions::id);
    on!(connection, |c| Ok(query.load(c).await?))
}

/// The newest tasks of a status, newest first.
///
/// There is no index on the status, which would cost every transition of every task: a status that few
/// tasks have is found by reading past the others.
pub(crate) async fn list_by_status(
    connection: &mut Connection<'_>,
    status: TaskStatus,
    limit: i64,
) -> Result<Vec<TaskExecution>> {
    let query = task_executions::table
        .filter(task_executions::status.eq(status))
        .order(task_executions::id.desc())
        .limit(limit);
    on!(connection, |c| Ok(query
        .select(TaskExecution::as_select())
        .load(c)
        .await?))
}

/// Those of the tasks that are there, in no order.
pub(crate) async fn get_many(
    connection: &mut Connection<'_>,
    tasks: &[Uuid],
) -> Result<Vec<TaskExecution>> {
    let statement: Sql<'_, task_executions::SqlType> =
        Sql::new(format!("SELECT {COLUMNS} FROM task_executions WHERE id "))
            .bind(Bind::any_of(tasks));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// Those of the tasks that are there, with their statuses.
pub(crate) async fn existing(
    connection: &mut Connection<'_>,
    tasks: &[Uuid],
) -> Result<Vec<(Uuid, TaskStatus)>> {
    let statement: Sql<'_, (sql_types::Uuid, sql_types::Text)> =
        Sql::new("SELECT id, status FROM task_executions WHERE id ").bind(Bind::any_of(tasks));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// A task that is about to be inserted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Insert<'a> {
    pub(crate) id: Uuid,
    pub(crate) new: &'a NewTaskExecution,
    /// How many of its dependencies have not ended.
    pub(crate) open_dependencies: i32,
}

/// Inserts tasks that are not there yet, into pipelines that are locked; answers in the order given.
///
/// Counts them in their pipelines, and reopens those that had ended.
pub(crate) async fn insert(tx: &mut Tx<'_>, tasks: &[Insert<'_>]) -> Result<Vec<TaskExecution>> {
    let faults = tx.context.faults.clone();
    match &mut tx.connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(connection) => {
            let made = postgres::insert(connection, tasks, &faults).await?;
            if let Some((task, transaction_id)) = made.as_slice().first() {
                tx.remember(*transaction_id, Subject::Task(task.id));
            }
            Ok(made.into_iter().map(|(task, _)| task).collect())
        }
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(connection) => Ok(sqlite::insert(connection, tasks, faults).await?),
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

/// The statuses of a pipeline that a new task reopens, quoted.
fn reopened() -> String {
    format!(
        "'{}', '{}'",
        PipelineStatus::Completed,
        PipelineStatus::Failed
    )
}

/// Every column, in the order of [`TaskExecution`].
const COLUMNS: &str = "id, pipeline_execution_id, task_name, queue, priority, status, run_when, \
    open_dependencies, attempt, max_attempts, recoveries, epoch, input, output, created_at, updated_at";
