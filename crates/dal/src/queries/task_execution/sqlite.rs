//! Making tasks on SQLite: a few statements over one JSON text, in one go on the connection's thread.

use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use serde_json::{Value, json};
use taskbox_models::{EventType, PipelineStatus, Transition};
use uuid::Uuid;

use super::{Insert, MADE, Made, MadeRow, reopened};
use crate::{
    backend::sqlite::Line,
    fault::Faults,
    queries::{Bind, SQLITE_NOW as NOW, Sql, transition::parts},
};

/// Makes the tasks, and answers with each, in no order.
pub(super) async fn insert(
    line: &mut Line<'_>,
    tasks: &[Insert<'_>],
    faults: Faults,
) -> QueryResult<Vec<Made>> {
    let in_pipelines = tasks
        .iter()
        .any(|task| task.new.pipeline_execution_id.is_some());
    let json = json_of(tasks);
    line.run(move |connection| run(connection, &json, in_pipelines, &faults))
        .await
}

fn json_of(tasks: &[Insert<'_>]) -> String {
    let hex = |id: Uuid| id.simple().to_string();
    let rows: Vec<_> = tasks
        .iter()
        .map(|task| {
            let Insert {
                id,
                new,
                open_dependencies,
                ..
            } = task;
            json!([
                hex(*id),
                new.pipeline_execution_id.map(hex),
                new.task_name,
                new.queue,
                new.priority,
                new.max_attempts,
                // As text in text, so that it is kept to the letter.
                new.input.as_ref().map(Value::to_string),
                new.run_when.as_str(),
                open_dependencies,
                task.trace_context().map(Value::to_string),
            ])
        })
        .collect();
    Value::from(rows).to_string()
}

fn run(
    connection: &mut SqliteConnection,
    json: &str,
    in_pipelines: bool,
    faults: &Faults,
) -> QueryResult<Vec<Made>> {
    faults.reach("create: tasks")?;
    let made: Vec<Made> = tasks_statement(json).load(connection)?;
    if in_pipelines {
        faults.reach("create: reopen")?;
        reopen_statement(json).execute(connection)?;
        faults.reach("create: pipelines")?;
        pipelines_statement(json).execute(connection)?;
    }
    faults.reach("create: events")?;
    events_statement(json).execute(connection)?;
    faults.reach("create: done")?;
    Ok(made)
}

pub(crate) fn tasks_statement<'a>(json: &str) -> Sql<'a, MadeRow> {
    let status = parts::only_outcome(Transition::Create.rule()).to;
    Sql::new(format!(
        "INSERT INTO task_executions (
    id, pipeline_execution_id, task_name, queue, priority, max_attempts, input, run_when,
    open_dependencies, trace_context, status
)
SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5,
    value ->> 6, value ->> 7, value ->> 8, value ->> 9, '{status}'
FROM json_each("
    ))
    .bind(Bind::Json(json.to_owned()))
    .text(format!(
        ")
RETURNING {MADE}"
    ))
}

/// Writes the event of the pipelines that had ended and go on now.
pub(crate) fn reopen_statement<'a>(json: &str) -> Sql<'a> {
    let event = EventType::PipelineReopened;
    let reopened = reopened();
    Sql::new(format!(
        "INSERT INTO execution_events (pipeline_execution_id, event_type)
SELECT id, '{event}' FROM pipeline_executions
WHERE status IN ({reopened}) AND id IN (SELECT unhex(value ->> 1) FROM json_each("
    ))
    .bind(Bind::Json(json.to_owned()))
    .text("))")
}

pub(crate) fn pipelines_statement<'a>(json: &str) -> Sql<'a> {
    let running = PipelineStatus::Running;
    let reopened = reopened();
    Sql::new(format!(
        "UPDATE pipeline_executions AS p SET
    open_tasks = p.open_tasks + n.made,
    status = CASE WHEN p.status IN ({reopened}) THEN '{running}' ELSE p.status END,
    updated_at = {NOW}
FROM (
    SELECT unhex(value ->> 1) AS id, count(*) AS made FROM json_each("
    ))
    .bind(Bind::Json(json.to_owned()))
    .text(
        ") GROUP BY 1
) n
WHERE p.id = n.id",
    )
}

pub(crate) fn events_statement<'a>(json: &str) -> Sql<'a> {
    let event = parts::only_outcome(Transition::Create.rule()).event;
    Sql::new(format!(
        "INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)
SELECT unhex(value ->> 1), unhex(value ->> 0), '{event}' FROM json_each("
    ))
    .bind(Bind::Json(json.to_owned()))
    .text(") ORDER BY key")
}
