//! Queries on `task_executions` beside those of the transitions.

pub(crate) mod list;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper, sql_types::Nullable,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use taskbox_models::{
    NewTaskExecution, PipelineStatus, TaskExecution, TaskStatus, TraceContext, Transition,
};
use taskbox_schema::{bind, sql_types, task_executions};
use uuid::Uuid;

use super::{Bind, Sql, transition::parts};
#[cfg(feature = "postgres")]
use crate::witness::Subject;
use crate::{Result, Tx, backend::Then, connection::Connection};

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
    let query = task_executions::table
        .filter(task_executions::pipeline_execution_id.eq(bind::Uuid(pipeline)))
        .filter(task_executions::status.eq_any(TaskStatus::LIVE))
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
    /// Which trace it is made in.
    pub(crate) trace_context: Option<&'a TraceContext>,
}

/// What the database decides of a new task.
#[derive(diesel::Queryable)]
pub(crate) struct Made {
    id: Uuid,
    /// As the database keeps it: Postgres writes some numbers otherwise.
    input: Option<Value>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// What [`Made`] is read from.
pub(crate) type MadeRow = (
    sql_types::Uuid,
    Nullable<sql_types::Jsonb>,
    sql_types::Timestamptz,
    sql_types::Timestamptz,
);

/// Its columns.
const MADE: &str = "id, input, created_at, updated_at";

impl<'a> Insert<'a> {
    fn trace_context(&self) -> Option<&'a Value> {
        self.trace_context.map(TraceContext::as_value)
    }

    /// Whether it differs from the other in its id and its input alone.
    #[cfg(feature = "postgres")]
    fn is_like(&self, other: &Self) -> bool {
        let (new, its) = (self.new, other.new);
        new.pipeline_execution_id == its.pipeline_execution_id
            && new.task_name == its.task_name
            && new.queue == its.queue
            && new.priority == its.priority
            && new.max_attempts == its.max_attempts
            && new.run_when == its.run_when
            && self.open_dependencies == other.open_dependencies
            && self.trace_context == other.trace_context
    }

    /// The row. What nobody chooses is as the table has it by default; to ask for all of it takes longer.
    fn row(&self, made: Made) -> TaskExecution {
        let new = self.new;
        TaskExecution {
            id: self.id,
            pipeline_execution_id: new.pipeline_execution_id,
            task_name: new.task_name.clone(),
            queue: new.queue.clone(),
            priority: new.priority,
            status: parts::only_outcome(Transition::Create.rule()).to,
            run_when: new.run_when,
            open_dependencies: self.open_dependencies,
            attempt: 0,
            max_attempts: new.max_attempts,
            recoveries: 0,
            epoch: 0,
            input: made.input,
            output: None,
            created_at: made.created_at,
            updated_at: made.updated_at,
            trace_context: self.trace_context.cloned(),
        }
    }
}

/// Inserts tasks that are not there yet, into pipelines that are locked; answers in the order given.
///
/// Counts them in their pipelines, and reopens those that had ended.
#[cfg_attr(
    not(feature = "sqlite"),
    expect(unused_variables, reason = "only SQLite ends a transaction so")
)]
pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    tasks: &[Insert<'_>],
    then: Then,
) -> Result<Vec<TaskExecution>> {
    let faults = tx.context.faults.clone();
    let current = tx.context.tracer.current();
    let traced = current.as_ref().map(|current| within(tasks, current));
    let tasks = traced.as_deref().unwrap_or(tasks);
    let made: Vec<Made> = match &mut tx.connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => {
            let made = postgres::insert(line, tasks, &faults).await?;
            if let Some((task, transaction_id)) = made.as_slice().first() {
                tx.remember(*transaction_id, Subject::Task(task.id));
            }
            made.into_iter().map(|(task, _)| task).collect()
        }
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => sqlite::insert(line, tasks, then, faults).await?,
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    };
    let mut made: HashMap<Uuid, Made> = made.into_iter().map(|made| (made.id, made)).collect();
    let rows = tasks.iter();
    Ok(rows
        .filter_map(|task| Some(task.row(made.remove(&task.id)?)))
        .collect())
}

/// The tasks, those without a trace in this one.
fn within<'a>(tasks: &[Insert<'a>], current: &'a TraceContext) -> Vec<Insert<'a>> {
    let traced = tasks.iter().map(|task| Insert {
        trace_context: task.trace_context.or(Some(current)),
        ..*task
    });
    traced.collect()
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
    open_dependencies, attempt, max_attempts, recoveries, epoch, input, output, created_at, updated_at, trace_context";
