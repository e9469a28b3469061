//! What a transition changes in the pipelines of its tasks, and the events of that.

use taskbox_models::{EventType, PipelineStatus, Rule};

use super::locks::Start;
use crate::queries::transition::parts;

/// Starts the pipelines that had not begun, and counts the tasks that ended or came back.
pub(super) fn advance(rule: &Rule, start: Start) -> String {
    let (pending, running) = (PipelineStatus::Pending, PipelineStatus::Running);
    let (counts, condition, changes) = if rule.may_end() || rule.brings_back() {
        (
            format!(
                ",
            {}",
                parts::counted("before", "status")
            ),
            " AND n.open <> 0".to_owned(),
            parts::pipeline_changes("clock_timestamp()"),
        )
    } else if Start::is_all(rule) && start == Start::Pipelines {
        (
            String::new(),
            format!(" AND p.status = '{pending}'"),
            format!("status = '{running}', updated_at = clock_timestamp()"),
        )
    } else {
        return String::new();
    };
    format!(
        ",
advanced AS (
    UPDATE pipeline_executions p SET {changes}
    FROM (
        SELECT pipeline_execution_id AS id{counts}
        FROM moved WHERE pipeline_execution_id IS NOT NULL GROUP BY pipeline_execution_id
    ) n JOIN pipelines l USING (id)
    WHERE p.id = n.id{condition}
    RETURNING p.id, l.status AS before, p.status AS after
)"
    )
}

/// The events of the pipelines that start or are reopened, before those of the tasks; each part ends in a union.
pub(super) fn events_before(rule: &Rule, start: Start) -> String {
    let mut parts = String::new();
    if rule.leaves_not_started() && start == Start::Pipelines {
        let (event, pending) = (EventType::PipelineStarted, PipelineStatus::Pending);
        parts.push_str(&before(event, &format!("'{pending}'")));
    }
    if rule.brings_back() {
        let ended: Vec<_> = end_events()
            .map(|(status, _)| format!("'{status}'"))
            .collect();
        parts.push_str(&before(EventType::PipelineReopened, &ended.join(", ")));
    }
    parts
}

fn before(event: EventType, statuses: &str) -> String {
    format!(
        "
        SELECT 0 AS part, 0 AS ord, id AS pipeline_id, NULL::uuid AS task_id,
            '{event}' AS event_type, NULL::jsonb AS event_data
        FROM advanced WHERE before IN ({statuses})
        UNION ALL"
    )
}

/// The events of the pipelines that end, after those of the tasks; the part begins with a union.
pub(super) fn events_after(rule: &Rule) -> String {
    if !rule.may_end() {
        return String::new();
    }
    let events: Vec<_> = end_events()
        .map(|(status, event)| format!("('{status}', '{event}')"))
        .collect();
    let events = events.join(", ");
    format!(
        "
        UNION ALL
        SELECT 2, 0, id, NULL, ended.event_type, NULL
        FROM advanced JOIN (VALUES {events}) ended (status, event_type) ON ended.status = after
        WHERE before <> after"
    )
}

/// The pipelines' statuses in which all of their tasks have ended, with the events that say so.
fn end_events() -> impl Iterator<Item = (PipelineStatus, EventType)> {
    PipelineStatus::ALL
        .iter()
        .filter_map(|status| Some((*status, parts::end_event(*status)?)))
}
