//! Pieces of SQL that both backends make from a rule.

use taskbox_models::{Change, EventType, Field, Outcome, PipelineStatus, Rule, TaskStatus};

/// The outcome of a rule that has one way.
///
/// Rules with several, where the database decides, are those of workers.
pub(crate) fn only_outcome(rule: &Rule) -> &Outcome {
    &rule.outcomes[0]
}

/// What changes in the row of a task `t`: `status = 'Ready', updated_at = …`.
pub(super) fn task_changes(outcome: &Outcome, now: &str) -> String {
    let mut changes = format!("status = '{}', updated_at = {now}", outcome.to);
    for change in outcome.changes {
        changes.push_str(match change {
            Change::TakeAttempt => ", attempt = t.attempt + 1, epoch = t.epoch + 1",
            Change::GiveAttemptBack => ", attempt = t.attempt - 1",
            Change::CountRecovery => ", recoveries = t.recoveries + 1",
            Change::FreshAttempts => ", attempt = 0, recoveries = 0",
            Change::SetOutput => ", output = argument.output",
        });
    }
    changes
}

/// An event's data as keys and values, for a task `t` that has moved; `None` if there is none.
pub(super) fn event_data(outcome: &Outcome, due_at: &str) -> Option<String> {
    let pair = |field: &Field| {
        let key = field.as_str();
        match field {
            Field::DueAt => format!("'{key}', {due_at}"),
            Field::Attempt | Field::Epoch => format!("'{key}', t.{key}"),
            Field::Error | Field::Reason | Field::Worker => format!("'{key}', argument.{key}"),
        }
    };
    let pairs: Vec<_> = outcome.data.iter().map(pair).collect();
    (!pairs.is_empty()).then(|| pairs.join(", "))
}

/// The beginning of the statement that publishes tasks `t` of pipelines `p` in the outbox.
pub(crate) fn publish() -> String {
    let paused = PipelineStatus::Paused;
    format!(
        "INSERT INTO task_outbox (task_execution_id, queue, priority, held)
SELECT t.id, t.queue, t.priority, coalesce(p.status = '{paused}', false)"
    )
}

/// The end of that statement in a transition: a row that other software left behind becomes the task's row.
pub(super) const REPUBLISH: &str = "ON CONFLICT (task_execution_id) DO UPDATE
SET queue = excluded.queue, priority = excluded.priority, held = excluded.held";

/// By how much a pipeline's counters change per task that moves, as (open, failed, cancelled).
pub(super) fn counted(to: TaskStatus) -> (i32, i32, i32) {
    (
        -i32::from(to.is_terminal()),
        i32::from(to == TaskStatus::Failed),
        i32::from(to == TaskStatus::Cancelled),
    )
}

/// The status in which a pipeline ends, by its counters.
pub(super) const ENDED_STATUS: &str = "CASE
            WHEN p.failed_tasks + n.failed > 0 THEN 'Failed'
            WHEN p.cancelled_tasks + n.cancelled > 0 THEN 'Cancelled'
            ELSE 'Completed'
        END";

/// The event that a pipeline's end writes.
pub(super) const fn end_event(status: PipelineStatus) -> Option<EventType> {
    match status {
        PipelineStatus::Completed => Some(EventType::PipelineCompleted),
        PipelineStatus::Failed => Some(EventType::PipelineFailed),
        PipelineStatus::Cancelled => Some(EventType::PipelineCancelled),
        PipelineStatus::Pending | PipelineStatus::Running | PipelineStatus::Paused => None,
    }
}
