//! Queries on `execution_events`.

pub(crate) mod follow;
pub(crate) mod prune;

use chrono::{DateTime, Utc};
#[cfg(feature = "postgres")]
use diesel::BoolExpressionMethods;
use diesel::{
    CombineDsl, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    SelectableHelper,
    dsl::sql,
    sql_types::{Bool, Nullable},
};
use diesel_async::RunQueryDsl;
use taskbox_models::{EventType, ExecutionEvent};
use taskbox_schema::{bind, execution_events, sql_types::Int8, task_executions};
use uuid::Uuid;

use super::{Bind, Sql};
#[cfg(feature = "postgres")]
use crate::witness::Subject;
use crate::{Result, connection::Connection};

/// A task's events in the order they happened; empty if there is no such task.
pub(crate) async fn list_by_task(
    connection: &mut Connection<'_>,
    task: Uuid,
) -> Result<Vec<ExecutionEvent>> {
    let query = execution_events::table
        .filter(execution_events::task_execution_id.eq(bind::Uuid(task)))
        .order(execution_events::id);
    on!(connection, |c| Ok(query
        .select(ExecutionEvent::as_select())
        .load(c)
        .await?))
}

/// The events of a pipeline and of its tasks in the order they were written; empty if there is none.
///
/// Two indexed queries in one, since an index on the pipeline would cost every event of every task.
pub(crate) async fn list_by_pipeline(
    connection: &mut Connection<'_>,
    pipeline: Uuid,
) -> Result<Vec<ExecutionEvent>> {
    let its_own = execution_events::table
        .filter(execution_events::pipeline_execution_id.eq(bind::Uuid(pipeline)))
        .filter(execution_events::task_execution_id.is_null());
    let its_tasks = execution_events::table
        .inner_join(
            task_executions::table
                .on(execution_events::task_execution_id.eq(task_executions::id.nullable())),
        )
        .filter(task_executions::pipeline_execution_id.eq(bind::Uuid(pipeline)));
    let mut events: Vec<ExecutionEvent> = on!(connection, |c| its_own
        .select(ExecutionEvent::as_select())
        .union_all(its_tasks.select(ExecutionEvent::as_select()))
        .load(c)
        .await?);
    events.sort_unstable_by_key(|event| event.id);
    Ok(events)
}

/// The types that nearly every task has. The index on the types leaves them out.
const COMMON: [EventType; 4] = [
    EventType::TaskCreated,
    EventType::TaskMarkedReady,
    EventType::TaskClaimed,
    EventType::TaskCompleted,
];

/// That a type is not common, to the letter as the index has it.
pub(crate) fn is_rare() -> String {
    let common = COMMON.map(|event_type| format!("'{event_type}'"));
    format!("event_type NOT IN ({})", common.join(", "))
}

/// The newest events of a type, newest first.
///
/// Says of a rare type that it is one: the plan is made without knowing the type, and could not use the index
/// otherwise. A common type is soon met when reading backwards.
pub(crate) async fn list_by_type(
    connection: &mut Connection<'_>,
    event_type: EventType,
    limit: i64,
) -> Result<Vec<ExecutionEvent>> {
    let rare = if is_indexed(event_type) {
        is_rare()
    } else {
        "TRUE".to_owned()
    };
    let query = execution_events::table
        .filter(execution_events::event_type.eq(event_type))
        .filter(sql::<Bool>(&rare))
        .order(execution_events::id.desc())
        .limit(limit);
    on!(connection, |c| Ok(query
        .select(ExecutionEvent::as_select())
        .load(c)
        .await?))
}

/// The newest events, newest first.
pub(crate) async fn get_recent(
    connection: &mut Connection<'_>,
    limit: i64,
) -> Result<Vec<ExecutionEvent>> {
    let query = execution_events::table
        .order(execution_events::id.desc())
        .limit(limit);
    on!(connection, |c| Ok(query
        .select(ExecutionEvent::as_select())
        .load(c)
        .await?))
}

/// Whether events of this type are found by the index on the types.
pub(crate) fn is_indexed(event_type: EventType) -> bool {
    !COMMON.contains(&event_type)
}

/// The tasks of the newest events of a type that is indexed.
pub(crate) async fn tasks_of_type(
    connection: &mut Connection<'_>,
    event_type: EventType,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let query = execution_events::table
        .filter(execution_events::event_type.eq(event_type))
        .filter(sql::<Bool>(&is_rare()))
        .order(execution_events::id.desc())
        .limit(limit)
        .select(execution_events::task_execution_id);
    let tasks: Vec<Option<Uuid>> = on!(connection, |c| query.load(c).await?);
    Ok(tasks.into_iter().flatten().collect())
}

/// How many of the newest `limit` events are of a type and not older than so many microseconds; how many there were to
/// look at; and the age of the oldest of those.
///
/// Looks at those of a rare type by the index on the types, and otherwise at those of every type.
pub(crate) async fn count_recent(
    connection: &mut Connection<'_>,
    event_type: EventType,
    within: i64,
    limit: i64,
) -> Result<(i64, i64, Option<i64>)> {
    type Row = (Int8, Int8, Nullable<Int8>);
    let newest = Sql::<Row>::new(
        "WITH newest AS (\n    SELECT event_type, created_at FROM execution_events",
    );
    let newest = if is_indexed(event_type) {
        newest
            .text("\n    WHERE event_type = ")
            .bind(Bind::Text(event_type.as_str()))
            .text(format!(" AND {}", is_rare()))
    } else {
        newest
    };
    let statement = newest
        .text("\n    ORDER BY id DESC LIMIT ")
        .bind(Bind::Integer(limit))
        .text("\n)\nSELECT count(*) FILTER (WHERE event_type = ")
        .bind(Bind::Text(event_type.as_str()))
        .text(" AND created_at > ")
        .moment_ago(within)
        .text("), count(*),\n    ")
        .microseconds_since("min(created_at)")
        .text("\nFROM newest");
    let mut rows: Vec<(i64, i64, Option<i64>)> = on!(connection, |c| statement.load(c).await?);
    Ok(rows.pop().unwrap_or_default())
}

/// How many events are older.
pub(crate) async fn count_older_than(
    connection: &mut Connection<'_>,
    cutoff: DateTime<Utc>,
) -> Result<i64> {
    let query = execution_events::table
        .filter(execution_events::created_at.lt(bind::Timestamptz(cutoff)))
        .count();
    on!(connection, |c| Ok(query.get_result(c).await?))
}

/// Whether there is an event of this subject that this transaction wrote.
#[cfg(feature = "postgres")]
pub(crate) async fn is_written(
    connection: &mut diesel_async::AsyncPgConnection,
    transaction_id: i64,
    subject: Subject,
) -> Result<bool> {
    let written = execution_events::table
        .filter(execution_events::transaction_id.eq(transaction_id))
        .count();
    let count: i64 = match subject {
        Subject::Task(task) => {
            let by_task = execution_events::task_execution_id.eq(bind::Uuid(task));
            written.filter(by_task).get_result(connection).await?
        }
        Subject::Pipeline(pipeline) => {
            let by_pipeline = execution_events::pipeline_execution_id
                .eq(bind::Uuid(pipeline))
                .and(execution_events::task_execution_id.is_null());
            written.filter(by_pipeline).get_result(connection).await?
        }
    };
    Ok(count > 0)
}

/// Deletes the events that are older; answers how many.
pub(crate) async fn delete_older_than(
    connection: &mut Connection<'_>,
    cutoff: DateTime<Utc>,
) -> Result<usize> {
    let statement: Sql<'_> =
        Sql::new("DELETE FROM execution_events WHERE created_at < ").bind(Bind::Moment(cutoff));
    on!(connection, |c| Ok(statement.execute(c).await?))
}
