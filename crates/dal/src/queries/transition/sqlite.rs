//! A transition on SQLite: a few statements in one go on the connection's thread.
//!
//! Differs from Postgres, since SQLite has no statement that changes several tables. The transaction is the
//! only writer, so what the first statement reads stays true for the others.

use std::{borrow::Cow, collections::BTreeMap};

use diesel::{
    QueryResult, RunQueryDsl, SqliteConnection,
    sql_types::{Nullable, Text},
};
use taskbox_models::{EventType, LiveTable, Outcome, PipelineStatus, TaskStatus};
use taskbox_schema::sql_types;
use uuid::Uuid;

use super::{Argument, Change, parts};
use crate::{
    AsyncSqliteConnection,
    fault::Faults,
    queries::{Bind, Sql, json_of},
};

/// The time now, in microseconds.
pub(crate) const NOW: &str = "(CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000)";

/// A task's id, and the status, pipeline and pipeline's status it was found with.
type Row = (
    sql_types::Uuid,
    Nullable<Text>,
    Nullable<sql_types::Uuid>,
    Nullable<Text>,
);
type Found = (
    Uuid,
    Option<TaskStatus>,
    Option<Uuid>,
    Option<PipelineStatus>,
);

/// An argument that outlives the call that made it, since the statements run on another thread.
enum Owned {
    None,
    DueIn(i64),
    Reason(String),
}

impl Owned {
    fn new(argument: Argument<'_>) -> Self {
        match argument {
            Argument::None => Self::None,
            Argument::DueIn(microseconds) => Self::DueIn(microseconds),
            Argument::Reason(reason) => Self::Reason(reason.to_owned()),
        }
    }

    fn borrow(&self) -> Argument<'_> {
        match self {
            Self::None => Argument::None,
            Self::DueIn(microseconds) => Argument::DueIn(*microseconds),
            Self::Reason(reason) => Argument::Reason(reason),
        }
    }
}

pub(super) async fn move_tasks(
    connection: &mut AsyncSqliteConnection,
    change: Change<'_>,
    tasks: Vec<Uuid>,
    faults: Faults,
) -> QueryResult<Vec<super::Outcome>> {
    let rule = change.rule;
    let argument = Owned::new(change.argument);
    connection
        .spawn_blocking(move |connection| {
            let change = Change {
                rule,
                tasks: &tasks,
                argument: argument.borrow(),
            };
            run(connection, change, &faults)
        })
        .await
}

fn run(
    connection: &mut SqliteConnection,
    change: Change<'_>,
    faults: &Faults,
) -> QueryResult<Vec<super::Outcome>> {
    let rule = change.rule;
    let outcome = parts::only_outcome(rule);
    faults.reach("transition: look")?;
    let found: Vec<Found> = look(change.tasks).load(connection)?;
    let goes = |found: &Found| found.1.is_some_and(|status| rule.from.contains(&status));
    let moving: Vec<&Found> = found.iter().filter(|found| goes(found)).collect();
    if !moving.is_empty() {
        let ids: Vec<Uuid> = moving.iter().map(|found| found.0).collect();
        let moving_change = Change {
            tasks: &ids,
            ..change
        };
        faults.reach("transition: tasks")?;
        change_tasks(moving_change).execute(connection)?;
        leave_live_tables(connection, &moving, &ids, faults)?;
        faults.reach("transition: live table")?;
        if let Some(statement) = enter_live_table(moving_change) {
            statement.execute(connection)?;
        }
        let ended = advance_pipelines(connection, outcome, &moving, faults)?;
        faults.reach("transition: events")?;
        write_events(moving_change).execute(connection)?;
        faults.reach("transition: pipeline events")?;
        write_pipeline_events(connection, &ended)?;
        faults.reach("transition: done")?;
    }
    Ok(found.iter().map(|row| (row.0, row.1, goes(row))).collect())
}

/// The ids as a table `input (id, ord)`: one JSON text, whatever their number.
fn with_input<'a, ST>(ids: &[Uuid], rest: impl Into<Cow<'static, str>>) -> Sql<'a, ST> {
    Sql::new("WITH input AS MATERIALIZED (SELECT unhex(value) AS id, key AS ord FROM json_each(")
        .bind(Bind::Json(json_of(ids)))
        .text("))")
        .text(rest)
}

pub(crate) fn look<'a>(tasks: &[Uuid]) -> Sql<'a, Row> {
    with_input(
        tasks,
        "
SELECT input.id, t.status, t.pipeline_execution_id, p.status
FROM input
LEFT JOIN task_executions t ON t.id = input.id
LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id
ORDER BY input.ord",
    )
}

pub(crate) fn change_tasks<'a>(change: Change<'_>) -> Sql<'a> {
    let changes = parts::task_changes(parts::only_outcome(change.rule), NOW);
    with_input(
        change.tasks,
        format!(
            "
UPDATE task_executions AS t SET {changes}
WHERE t.id IN (SELECT id FROM input)"
        ),
    )
}

fn leave_live_tables(
    connection: &mut SqliteConnection,
    moving: &[&Found],
    ids: &[Uuid],
    faults: &Faults,
) -> QueryResult<()> {
    for table in [LiveTable::Claims, LiveTable::Outbox, LiveTable::Schedule] {
        let leaves = |found: &&Found| found.1.and_then(TaskStatus::live_table) == Some(table);
        if moving.iter().any(leaves) {
            faults.reach("transition: leave live table")?;
            leave_live_table(table, ids).execute(connection)?;
        }
    }
    Ok(())
}

pub(crate) fn leave_live_table<'a>(table: LiveTable, tasks: &[Uuid]) -> Sql<'a> {
    let table = table.as_str();
    with_input(
        tasks,
        format!(
            "
DELETE FROM {table} WHERE task_execution_id IN (SELECT id FROM input)"
        ),
    )
}

pub(crate) fn enter_live_table(change: Change<'_>) -> Option<Sql<'_>> {
    match parts::only_outcome(change.rule).to.live_table()? {
        LiveTable::Claims => None,
        LiveTable::Schedule => Some(
            with_input(
                change.tasks,
                "
INSERT INTO task_schedule (task_execution_id, due_at)
SELECT id, ",
            )
            .with_due_at(change.argument)
            .text(
                " FROM input WHERE true
ON CONFLICT (task_execution_id) DO UPDATE SET due_at = excluded.due_at",
            ),
        ),
        LiveTable::Outbox => Some(with_input(
            change.tasks,
            format!(
                "
{}
FROM input
JOIN task_executions t ON t.id = input.id
LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id
WHERE true
ORDER BY input.ord
{}",
                parts::publish(),
                parts::REPUBLISH
            ),
        )),
    }
}

impl<'a, ST> Sql<'a, ST> {
    fn with_due_at(self, argument: Argument<'a>) -> Self {
        match argument {
            Argument::DueIn(microseconds) => self
                .text(format!("{NOW} + "))
                .bind(Bind::Integer(microseconds)),
            Argument::None | Argument::Reason(_) => self.text("NULL"),
        }
    }
}

/// How many tasks of a pipeline move, and the status it had.
struct Share {
    pipeline: Uuid,
    before: PipelineStatus,
    tasks: i64,
}

fn shares(moving: &[&Found]) -> Vec<Share> {
    let mut shares = BTreeMap::new();
    for found in moving {
        if let (Some(pipeline), Some(before)) = (found.2, found.3) {
            shares
                .entry(pipeline)
                .or_insert(Share {
                    pipeline,
                    before,
                    tasks: 0,
                })
                .tasks += 1;
        }
    }
    shares.into_values().collect()
}

/// Starts the pipelines that had not begun and writes that event, counts the tasks that ended, and answers
/// with the events of the pipelines that ended with them.
fn advance_pipelines(
    connection: &mut SqliteConnection,
    outcome: &Outcome,
    moving: &[&Found],
    faults: &Faults,
) -> QueryResult<Vec<(Uuid, EventType)>> {
    let shares = shares(moving);
    let starting: Vec<_> = shares
        .iter()
        .filter(|share| share.before == PipelineStatus::Pending)
        .map(|share| (share.pipeline, EventType::PipelineStarted))
        .collect();
    faults.reach("transition: pipelines")?;
    write_pipeline_events(connection, &starting)?;
    if !outcome.to.is_terminal() {
        let ids: Vec<Uuid> = starting.iter().map(|start| start.0).collect();
        if !ids.is_empty() {
            start_pipelines(&ids).execute(connection)?;
        }
        return Ok(Vec::new());
    }
    if shares.is_empty() {
        return Ok(Vec::new());
    }
    faults.reach("transition: pipeline counters")?;
    let after: Vec<(Uuid, PipelineStatus)> = count_ended(&shares, outcome).load(connection)?;
    Ok(after
        .into_iter()
        .filter_map(|(id, status)| Some((id, parts::end_event(status)?)))
        .collect())
}

pub(crate) fn start_pipelines<'a>(ids: &[Uuid]) -> Sql<'a> {
    let running = PipelineStatus::Running;
    with_input(
        ids,
        format!(
            "
UPDATE pipeline_executions SET status = '{running}', updated_at = {NOW}
WHERE id IN (SELECT id FROM input)"
        ),
    )
}

fn count_ended<'a>(shares: &[Share], outcome: &Outcome) -> Sql<'a, (sql_types::Uuid, Text)> {
    let rows: Vec<_> = shares
        .iter()
        .map(|share| serde_json::json!([share.pipeline.simple().to_string(), share.tasks]))
        .collect();
    count_ended_statement(serde_json::Value::from(rows).to_string(), outcome)
}

pub(crate) fn count_ended_statement<'a>(
    shares: String,
    outcome: &Outcome,
) -> Sql<'a, (sql_types::Uuid, Text)> {
    let (pending, running) = (PipelineStatus::Pending, PipelineStatus::Running);
    let (open, failed, cancelled) = parts::counted(outcome.to);
    let ended = parts::ENDED_STATUS;
    Sql::new(format!(
        "UPDATE pipeline_executions AS p SET
    open_tasks = p.open_tasks + n.open,
    failed_tasks = p.failed_tasks + n.failed,
    cancelled_tasks = p.cancelled_tasks + n.cancelled,
    pause_reason = CASE WHEN p.open_tasks + n.open = 0 THEN NULL ELSE p.pause_reason END,
    status = CASE
        WHEN p.open_tasks + n.open = 0 THEN {ended}
        WHEN p.status = '{pending}' THEN '{running}'
        ELSE p.status
    END,
    updated_at = {NOW}
FROM (
    SELECT unhex(value ->> 0) AS id, (value ->> 1) * {open} AS open,
        (value ->> 1) * {failed} AS failed, (value ->> 1) * {cancelled} AS cancelled
    FROM json_each("
    ))
    .bind(Bind::Json(shares))
    .text(
        ")
) n
WHERE p.id = n.id
RETURNING id, status",
    )
}

pub(crate) fn write_events(change: Change<'_>) -> Sql<'_> {
    let outcome = parts::only_outcome(change.rule);
    let event = outcome.event;
    let due_at = "strftime('%Y-%m-%dT%H:%M:%S', s.due_at / 1000000, 'unixepoch')
        || printf('.%06dZ', s.due_at % 1000000)";
    let data = parts::event_data(outcome, due_at)
        .map_or("NULL".to_owned(), |pairs| format!("json_object({pairs})"));
    let insert = format!(
        "
INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type, event_data)
SELECT t.pipeline_execution_id, t.id, '{event}', {data}
FROM input JOIN task_executions t ON t.id = input.id"
    );
    let order = "
ORDER BY input.ord";
    match change.argument {
        Argument::None => with_input(change.tasks, insert + order),
        Argument::DueIn(_) => with_input(
            change.tasks,
            format!("{insert} JOIN task_schedule s ON s.task_execution_id = t.id{order}"),
        ),
        Argument::Reason(reason) => with_input(change.tasks, format!("{insert} JOIN (SELECT "))
            .bind(Bind::Text(reason))
            .text(format!(" AS reason) argument{order}")),
    }
}

fn write_pipeline_events(
    connection: &mut SqliteConnection,
    events: &[(Uuid, EventType)],
) -> QueryResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = events
        .iter()
        .map(|(id, event)| serde_json::json!([id.simple().to_string(), event.as_str()]))
        .collect();
    pipeline_events(serde_json::Value::from(rows).to_string())
        .execute(connection)
        .map(drop)
}

pub(crate) fn pipeline_events<'a>(events: String) -> Sql<'a> {
    Sql::new(
        "INSERT INTO execution_events (pipeline_execution_id, event_type)
SELECT unhex(value ->> 0), value ->> 1 FROM json_each(",
    )
    .bind(Bind::Json(events))
    .text(") ORDER BY key")
}
