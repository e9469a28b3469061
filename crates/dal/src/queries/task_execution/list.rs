//! Lists of tasks, newest first, each of which looks at a bounded number of rows by an index.

use diesel_async::RunQueryDsl;
use taskbox_models::{EventType, TaskExecution, TaskStatus, Transition};
use taskbox_schema::{sql_types, task_executions};
use uuid::Uuid;

use super::COLUMNS;
use crate::{
    Result, TaskFilter,
    connection::Connection,
    queries::{Bind, Sql, execution_event},
};

/// The newest of the tasks that pass the filter, of those that are looked at.
pub(crate) async fn list(
    connection: &mut Connection<'_>,
    filter: &TaskFilter,
    limit: i64,
) -> Result<Vec<TaskExecution>> {
    let look = if filter.is_exact() {
        limit
    } else {
        TaskFilter::LOOK
    };
    let candidates = candidates(connection, filter, look).await?;
    let statement = Sql::new(format!("SELECT {COLUMNS} FROM "));
    let statement: Sql<'_, task_executions::SqlType> = match &candidates {
        Some(tasks) => statement
            .text("task_executions t\nWHERE id ")
            .bind(Bind::any_of(tasks)),
        None => newest(statement, filter, look).text("\nWHERE true"),
    };
    let statement = passing(statement, filter)
        .text("\nORDER BY id DESC LIMIT ")
        .bind(Bind::Integer(limit));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// Where a status is told by another table, the tasks that this table names; they may have left the status since.
async fn candidates(
    connection: &mut Connection<'_>,
    filter: &TaskFilter,
    look: i64,
) -> Result<Option<Vec<Uuid>>> {
    let (Some(status), None) = (filter.status, filter.pipeline) else {
        return Ok(None);
    };
    if let Some(table) = status.live_table() {
        let rows = Sql::new(format!(
            "SELECT task_execution_id FROM {} WHERE true",
            table.as_str()
        ));
        let rows: Sql<'_, sql_types::Uuid> = before(rows, "task_execution_id", filter)
            .text(" ORDER BY task_execution_id DESC LIMIT ")
            .bind(Bind::Integer(look));
        return on!(connection, |c| Ok(Some(rows.load(c).await?)));
    }
    let events = ended_by(status);
    if events.is_empty()
        || !events
            .iter()
            .all(|event| execution_event::is_indexed(*event))
    {
        return Ok(None);
    }
    let mut tasks = Vec::new();
    for event in events {
        let newest = execution_event::tasks_of_type(connection, event, TaskFilter::LOOK).await?;
        tasks.extend(newest);
    }
    Ok(Some(tasks))
}

/// The events with which a task comes to a terminal status.
fn ended_by(status: TaskStatus) -> Vec<EventType> {
    let outcomes = Transition::ALL.iter().flat_map(|it| it.rule().outcomes);
    let mut events: Vec<EventType> = Vec::new();
    for outcome in outcomes.filter(|outcome| status.is_terminal() && outcome.to == status) {
        if !events.contains(&outcome.event) {
            events.push(outcome.event);
        }
    }
    events
}

/// The newest tasks, of the pipeline if one is named.
fn newest<'a, ST>(statement: Sql<'a, ST>, filter: &TaskFilter, look: i64) -> Sql<'a, ST> {
    let rows = statement.text(format!(
        "(\n    SELECT {COLUMNS} FROM task_executions\n    WHERE true"
    ));
    let rows = match filter.pipeline {
        Some(pipeline) => rows
            .text(" AND pipeline_execution_id = ")
            .bind(Bind::Id(pipeline)),
        None => rows,
    };
    let rows = before(rows, "id", filter);
    // In the order of an index, which the pipeline's begins with.
    rows.text("\n    ORDER BY id DESC LIMIT ")
        .bind(Bind::Integer(look))
        .text("\n) t")
}

fn before<'a, ST>(statement: Sql<'a, ST>, id: &'static str, filter: &TaskFilter) -> Sql<'a, ST> {
    match filter.before {
        Some(before) => statement
            .text(format!(" AND {id} < "))
            .bind(Bind::Id(before)),
        None => statement,
    }
}

fn passing<'a, ST>(statement: Sql<'a, ST>, filter: &'a TaskFilter) -> Sql<'a, ST> {
    let conditions = [
        (" AND status = ", filter.status.map(TaskStatus::as_str)),
        (" AND queue = ", filter.queue.as_deref()),
        (" AND task_name = ", filter.task_name.as_deref()),
    ];
    let statement = conditions
        .into_iter()
        .fold(statement, |statement, (condition, value)| match value {
            Some(value) => statement.text(condition).bind(Bind::Text(value)),
            None => statement,
        });
    before(statement, "id", filter)
}

/// How many tasks a pipeline has in each status, in the order of the statuses' names.
pub(crate) async fn count_by_status(
    connection: &mut Connection<'_>,
    pipeline: Uuid,
) -> Result<Vec<(TaskStatus, i64)>> {
    let statement: Sql<'_, (sql_types::Text, sql_types::Int8)> =
        Sql::new("SELECT status, count(*) FROM task_executions WHERE pipeline_execution_id = ")
            .bind(Bind::Id(pipeline))
            .text(" GROUP BY status ORDER BY status");
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// What the tasks wait for or waited for, in the order of the tasks' ids and then of those.
pub(crate) async fn dependencies(
    connection: &mut Connection<'_>,
    tasks: &[Uuid],
    limit: i64,
) -> Result<Vec<(Uuid, Uuid, String, TaskStatus)>> {
    type Row = (
        sql_types::Uuid,
        sql_types::Uuid,
        sql_types::Text,
        sql_types::Text,
    );
    // The arrows first, so that no more tasks are looked up than are answered with.
    let statement: Sql<'_, Row> = Sql::new(
        "WITH arrows AS MATERIALIZED (
    SELECT task_execution_id, dependency_id FROM task_dependencies WHERE task_execution_id ",
    )
    .bind(Bind::any_of(tasks))
    .text("\n    ORDER BY task_execution_id, dependency_id LIMIT ")
    .bind(Bind::Integer(limit))
    .text(
        "
)
SELECT a.task_execution_id, a.dependency_id, t.task_name, t.status
FROM arrows a JOIN task_executions t ON t.id = a.dependency_id
ORDER BY a.task_execution_id, a.dependency_id",
    );
    on!(connection, |c| Ok(statement.load(c).await?))
}
