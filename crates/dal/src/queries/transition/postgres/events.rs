//! The events that a transition writes.

use taskbox_models::{Field, Rule};

use super::{changes::NEXT, locks::Start, pipelines};
use crate::queries::transition::parts;

/// The pipelines' beginnings, then the tasks' events in the order of the call, then the pipelines' ends.
pub(super) fn write(rule: &Rule, start: Start) -> String {
    let event = parts::by_outcome(rule, NEXT, |outcome| format!("'{}'", outcome.event));
    let data = parts::by_outcome(rule, NEXT, |outcome| {
        parts::event_data(outcome, value).map_or("NULL".to_owned(), |pairs| {
            format!("jsonb_build_object({pairs})")
        })
    });
    let (before, after) = (
        pipelines::events_before(rule, start),
        pipelines::events_after(rule),
    );
    if before.is_empty() && after.is_empty() {
        return format!(
            ",
logged AS (
    INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type, event_data)
    SELECT t.pipeline_execution_id, t.id, {event}, ({data})::jsonb FROM moved t ORDER BY t.ord
)"
        );
    }
    format!(
        ",
logged AS (
    INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type, event_data)
    SELECT pipeline_id, task_id, event_type, event_data FROM ({before}
        SELECT 1 AS part, t.ord, t.pipeline_execution_id AS pipeline_id, t.id AS task_id,
            {event} AS event_type, ({data})::jsonb AS event_data
        FROM moved t{after}
    ) event ORDER BY part, ord
)"
    )
}

fn value(field: Field) -> String {
    match field {
        Field::DueAt => {
            r#"to_char(t.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#.to_owned()
        }
        Field::Worker => "t.worker_id".to_owned(),
        Field::Attempt | Field::Epoch | Field::Error | Field::Reason => {
            format!("t.{}", field.as_str())
        }
    }
}
