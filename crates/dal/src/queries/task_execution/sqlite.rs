//! Making tasks on SQLite: a few statements over one JSON text, in one go on the connection's thread.

use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use serde_json::Value;
use taskbox_models::{EventType, PipelineStatus, Transition};
use uuid::Uuid;

use super::{Insert, MADE, Made, MadeRow, reopened};
use crate::{
    backend::{Then, sqlite::Line},
    fault::Faults,
    queries::{Bind, SQLITE_NOW as NOW, Sql, bound, transition::parts},
};

/// Makes the tasks, and answers with each, in no order.
pub(super) async fn insert(
    line: &mut Line<'_>,
    tasks: &[Insert<'_>],
    then: Then,
    faults: Faults,
) -> QueryResult<Vec<Made>> {
    let in_pipelines = tasks
        .iter()
        .any(|task| task.new.pipeline_execution_id.is_some());
    let rows: Vec<Row> = tasks.iter().map(row).collect();
    let places = places(tasks);
    line.run_last(
        move |connection| run(connection, &rows, &places, in_pipelines, &faults),
        move |_| then == Then::Nothing,
    )
    .await
}

fn run(
    connection: &mut SqliteConnection,
    rows: &[Row],
    places: &str,
    in_pipelines: bool,
    faults: &Faults,
) -> QueryResult<Vec<Made>> {
    faults.reach("create: tasks")?;
    let made: Vec<Made> = tasks_statement(rows).load(connection)?;
    if in_pipelines {
        faults.reach("create: reopen")?;
        reopen_statement(places).execute(connection)?;
        faults.reach("create: pipelines")?;
        pipelines_statement(places).execute(connection)?;
    }
    faults.reach("create: events")?;
    events_statement(places).execute(connection)?;
    faults.reach("create: done")?;
    Ok(made)
}

/// What a new task has in each of [`COLUMNS`].
type Row = [Value; COLUMNS.len()];

/// The columns that a caller chooses. The first two are ids, of which a row has the digits.
const COLUMNS: [&str; 10] = [
    "id",
    "pipeline_execution_id",
    "task_name",
    "queue",
    "priority",
    "max_attempts",
    "input",
    "run_when",
    "open_dependencies",
    "trace_context",
];
const IDS: usize = 2;

fn row(task: &Insert<'_>) -> Row {
    let new = task.new;
    [
        digits(task.id).into(),
        new.pipeline_execution_id.map(digits).into(),
        new.task_name.as_str().into(),
        new.queue.as_str().into(),
        new.priority.into(),
        new.max_attempts.into(),
        // As text in text, so that it is kept to the letter.
        new.input.as_ref().map(Value::to_string).into(),
        new.run_when.as_str().into(),
        task.open_dependencies.into(),
        task.trace_context().map(Value::to_string).into(),
    ]
}

fn digits(id: Uuid) -> String {
    id.simple().to_string()
}

/// The ids of the tasks as a JSON list of their digits, those of the pipeline behind those of the task.
fn places(tasks: &[Insert<'_>]) -> String {
    let place = |task: &Insert<'_>| {
        let pipeline = task.new.pipeline_execution_id.map(digits);
        Value::from(digits(task.id) + &pipeline.unwrap_or_default())
    };
    tasks.iter().map(place).collect::<Value>().to_string()
}

const TASK: &str = "unhex(substr(value, 1, 32))";
const PIPELINE: &str = "unhex(nullif(substr(value, 33), ''))";

/// What all rows have in common is bound once, and the rest read out of the rows as JSON, which takes longer: tasks that
/// are made together differ in little. So there is a text for each choice of columns.
pub(crate) fn tasks_statement<'a>(rows: &[Row]) -> Sql<'a, MadeRow> {
    let first = rows.first();
    let differs = |column: usize| {
        let mut values = rows.iter().map(|row| &row[column]);
        first.is_some_and(|first| values.any(|value| *value != first[column]))
    };
    let (own, common): (Vec<usize>, Vec<usize>) =
        (0..COLUMNS.len()).partition(|column| *column == 0 || differs(*column));
    let status = parts::only_outcome(Transition::Create.rule()).to;
    let names: String = own
        .iter()
        .chain(&common)
        .flat_map(|column| [", ", COLUMNS[*column]])
        .collect();
    let mut sql = Sql::new(format!(
        "INSERT INTO task_executions (status{names})\nSELECT '{status}'"
    ));
    for (place, column) in own.iter().enumerate() {
        let value = match own.as_slice() {
            [_] => "value".to_owned(),
            _ => format!("value ->> {place}"),
        };
        sql = read(sql.text(", "), *column, |sql| sql.text(value));
    }
    for column in common {
        let value = first.map(|row| &row[column]);
        sql = read(sql.text(", "), column, |sql| bound(sql, value));
    }
    sql.text("\nFROM json_each(")
        .bind(Bind::Json(json_of(rows, &own)))
        .text(format!(")\nRETURNING {MADE}"))
}

/// A value of this column, which is not what its row has if it is an id.
fn read<'a, ST>(
    sql: Sql<'a, ST>,
    column: usize,
    value: impl FnOnce(Sql<'a, ST>) -> Sql<'a, ST>,
) -> Sql<'a, ST> {
    if column < IDS {
        return value(sql.text("unhex(")).text(")");
    }
    value(sql)
}

fn json_of(rows: &[Row], columns: &[usize]) -> String {
    let rows = rows.iter().map(|row| match columns {
        [column] => row[*column].clone(),
        columns => columns.iter().map(|column| row[*column].clone()).collect(),
    });
    rows.collect::<Value>().to_string()
}

/// Writes the event of the pipelines that had ended and go on now.
pub(crate) fn reopen_statement<'a>(places: &str) -> Sql<'a> {
    let event = EventType::PipelineReopened;
    let reopened = reopened();
    Sql::new(format!(
        "INSERT INTO execution_events (pipeline_execution_id, event_type)
SELECT id, '{event}' FROM pipeline_executions
WHERE status IN ({reopened}) AND id IN (SELECT {PIPELINE} FROM json_each("
    ))
    .bind(Bind::Json(places.to_owned()))
    .text("))")
}

pub(crate) fn pipelines_statement<'a>(places: &str) -> Sql<'a> {
    let running = PipelineStatus::Running;
    let reopened = reopened();
    Sql::new(format!(
        "UPDATE pipeline_executions AS p SET
    open_tasks = p.open_tasks + n.made,
    status = CASE WHEN p.status IN ({reopened}) THEN '{running}' ELSE p.status END,
    updated_at = {NOW}
FROM (
    SELECT {PIPELINE} AS id, count(*) AS made FROM json_each("
    ))
    .bind(Bind::Json(places.to_owned()))
    .text(
        ") GROUP BY 1
) n
WHERE p.id = n.id",
    )
}

pub(crate) fn events_statement<'a>(places: &str) -> Sql<'a> {
    let event = parts::only_outcome(Transition::Create.rule()).event;
    Sql::new(format!(
        "INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)
SELECT {PIPELINE}, {TASK}, '{event}' FROM json_each("
    ))
    .bind(Bind::Json(places.to_owned()))
    .text(") ORDER BY key")
}
