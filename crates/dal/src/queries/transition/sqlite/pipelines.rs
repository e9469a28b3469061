//! What a transition changes in the pipelines of its tasks, and the events of that.

use std::collections::BTreeMap;

use diesel::{QueryResult, RunQueryDsl, SqliteConnection, sql_types::Text};
use serde_json::json;
use taskbox_models::{EventType, PipelineStatus, Rule};
use taskbox_schema::sql_types;
use uuid::Uuid;

use super::{super::parts, NOW, input::Input, look::Found};
use crate::{
    fault::Faults,
    queries::{Bind, Sql},
};

/// Starts or reopens pipelines and writes that event, counts the tasks that ended or came back, and answers
/// with the events of the pipelines that ended.
pub(super) fn advance(
    connection: &mut SqliteConnection,
    rule: &Rule,
    moving: &[&Found],
    faults: &Faults,
) -> QueryResult<Vec<(Uuid, EventType)>> {
    let pipelines: BTreeMap<Uuid, PipelineStatus> = moving
        .iter()
        .filter_map(|found| Some((found.pipeline?, found.pipeline_status?)))
        .collect();
    let beginning: Vec<_> = pipelines
        .iter()
        .filter_map(|(id, status)| Some((*id, begin_event(rule, *status)?)))
        .collect();
    faults.reach("transition: pipelines")?;
    write_events(connection, &beginning)?;
    if !rule.may_end() && !rule.brings_back() {
        let ids: Vec<Uuid> = beginning.iter().map(|(id, _)| *id).collect();
        if !ids.is_empty() {
            start(&ids).execute(connection)?;
        }
        return Ok(Vec::new());
    }
    if pipelines.is_empty() {
        return Ok(Vec::new());
    }
    faults.reach("transition: pipeline counters")?;
    let after: Vec<(Uuid, PipelineStatus)> = count(moving).load(connection)?;
    Ok(after
        .into_iter()
        .filter_map(|(id, status)| Some((id, parts::end_event(status)?)))
        .collect())
}

/// The event of a pipeline that goes on because of its task.
fn begin_event(rule: &Rule, status: PipelineStatus) -> Option<EventType> {
    if rule.leaves_not_started() && status == PipelineStatus::Pending {
        return Some(EventType::PipelineStarted);
    }
    let reopens = rule.brings_back() && parts::end_event(status).is_some();
    reopens.then_some(EventType::PipelineReopened)
}

pub(crate) fn start<'a>(ids: &[Uuid]) -> Sql<'a> {
    let running = PipelineStatus::Running;
    Input::ids(ids).with(format!(
        "
UPDATE pipeline_executions SET status = '{running}', updated_at = {NOW}
WHERE id IN (SELECT id FROM input)"
    ))
}

/// Counts the tasks that moved into their pipelines.
fn count<'a>(moving: &[&Found]) -> Sql<'a, (sql_types::Uuid, Text)> {
    let rows: Vec<_> = moving
        .iter()
        .filter_map(|found| {
            let pipeline = found.pipeline?.simple().to_string();
            Some(json!([
                pipeline,
                found.status?.as_str(),
                found.to?.as_str()
            ]))
        })
        .collect();
    count_statement(serde_json::Value::from(rows).to_string())
}

pub(crate) fn count_statement<'a>(moves: String) -> Sql<'a, (sql_types::Uuid, Text)> {
    Sql::new(format!(
        "UPDATE pipeline_executions AS p SET {}
FROM (
    SELECT unhex(value ->> 0) AS id,
        {}
    FROM json_each(",
        parts::pipeline_changes(NOW),
        parts::counted("value ->> 1", "value ->> 2"),
    ))
    .bind(Bind::Json(moves))
    .text(
        ") GROUP BY 1
) n
WHERE p.id = n.id AND n.open <> 0
RETURNING id, status",
    )
}

pub(super) fn write_events(
    connection: &mut SqliteConnection,
    events: &[(Uuid, EventType)],
) -> QueryResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = events
        .iter()
        .map(|(id, event)| json!([id.simple().to_string(), event.as_str()]))
        .collect();
    events_statement(serde_json::Value::from(rows).to_string())
        .execute(connection)
        .map(drop)
}

pub(crate) fn events_statement<'a>(events: String) -> Sql<'a> {
    Sql::new(
        "INSERT INTO execution_events (pipeline_execution_id, event_type)
SELECT unhex(value ->> 0), value ->> 1 FROM json_each(",
    )
    .bind(Bind::Json(events))
    .text(") ORDER BY key")
}
