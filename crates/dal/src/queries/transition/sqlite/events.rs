//! The events that a transition writes.

use taskbox_models::{Field, Rule};

use super::{super::parts, input::Input};
use crate::queries::Sql;

pub(crate) fn write<'a>(rule: &Rule, input: &Input) -> Sql<'a> {
    let event = parts::by_outcome(rule, parts::NEXT, |outcome| format!("'{}'", outcome.event));
    let data = parts::by_outcome(rule, parts::NEXT, |outcome| {
        parts::event_data(outcome, value)
            .map_or("NULL".to_owned(), |pairs| format!("json_object({pairs})"))
    });
    input.with(format!(
        "
INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type, event_data)
SELECT t.pipeline_execution_id, t.id, {event}, {data}
FROM input CROSS JOIN task_executions t ON t.id = input.id
ORDER BY input.ord"
    ))
}

fn value(field: Field) -> String {
    match field {
        Field::DueAt => "strftime('%Y-%m-%dT%H:%M:%S', input.due_at / 1000000, 'unixepoch')
        || printf('.%06dZ', input.due_at % 1000000)"
            .to_owned(),
        Field::Attempt | Field::Epoch => format!("t.{}", field.as_str()),
        Field::Error | Field::Reason | Field::Worker => format!("input.{}", field.as_str()),
    }
}
