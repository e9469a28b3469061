//! Pieces of SQL that both backends make from a rule.

use taskbox_models::{
    Change, Condition, EventType, Field, LiveTable, Outcome, PipelineStatus, Rule, TaskStatus,
};

/// The outcome of a rule that has one way.
pub(crate) fn only_outcome(rule: &Rule) -> &Outcome {
    &rule.outcomes[0]
}

/// What depends on the outcome, which shows in the status that `next` names.
pub(crate) fn by_outcome(rule: &Rule, next: &str, text: impl Fn(&Outcome) -> String) -> String {
    let texts: Vec<_> = rule.outcomes.iter().map(&text).collect();
    if texts.windows(2).all(|pair| pair[0] == pair[1]) {
        return text(only_outcome(rule));
    }
    let cases = rule.outcomes.iter().zip(texts);
    let cases: Vec<_> = cases
        .map(|(outcome, text)| format!("WHEN '{}' THEN {text}", outcome.to))
        .collect();
    format!("CASE {next} {} END", cases.join(" "))
}

/// The status that a task `t` of the list `input` goes to.
pub(crate) fn next_status(rule: &Rule) -> String {
    if rule.outcomes.len() == 1 {
        return format!("'{}'", only_outcome(rule).to);
    }
    let cases: Vec<_> = rule
        .outcomes
        .iter()
        .filter_map(|outcome| Some((condition(outcome.when?), outcome.to)))
        .map(|(condition, to)| format!("WHEN {condition} THEN '{to}'"))
        .collect();
    format!("CASE {} END", cases.join(" "))
}

fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::AttemptsLeftAndDelay => "t.attempt < t.max_attempts AND input.delay > 0",
        Condition::AttemptsLeftAndNoDelay => "t.attempt < t.max_attempts AND input.delay = 0",
        Condition::AttemptsUsedUp => "t.attempt >= t.max_attempts",
        Condition::RecoveriesLeft => "t.recoveries < input.max_recoveries",
        Condition::RecoveriesUsedUp => "t.recoveries >= input.max_recoveries",
    }
}

/// What changes in the row of a task `t` of the list `input`: `status = 'Ready', updated_at = …`.
///
/// Of several outcomes, the list says which, in the status `next`.
pub(super) fn task_changes(rule: &Rule, now: &str) -> String {
    let status = match rule.outcomes {
        [outcome] => format!("'{}'", outcome.to),
        _ => NEXT.to_owned(),
    };
    let changes = rule.outcomes.iter().flat_map(|outcome| outcome.changes);
    changes.flat_map(|change| columns(*change)).fold(
        format!("status = {status}, updated_at = {now}"),
        |changes, (column, value)| {
            let value = by_outcome(rule, NEXT, |outcome| {
                let mut columns = outcome.changes.iter().flat_map(|change| columns(*change));
                if columns.any(|(changed, _)| changed == column) {
                    (*value).to_owned()
                } else {
                    format!("t.{column}")
                }
            });
            format!("{changes}, {column} = {value}")
        },
    )
}

/// Where a task of the list goes, of several ways.
pub(super) const NEXT: &str = "input.next";

/// The columns that change, and to what.
fn columns(change: Change) -> &'static [(&'static str, &'static str)] {
    match change {
        Change::TakeAttempt => &[("attempt", "t.attempt + 1"), ("epoch", "t.epoch + 1")],
        Change::GiveAttemptBack => &[("attempt", "t.attempt - 1")],
        Change::CountRecovery => &[("recoveries", "t.recoveries + 1")],
        Change::FreshAttempts => &[("attempt", "0"), ("recoveries", "0")],
        Change::SetOutput => &[("output", "input.output")],
    }
}

/// An event's data as keys and values, for a task that has moved; `None` if there is none.
pub(super) fn event_data(outcome: &Outcome, value: impl Fn(Field) -> String) -> Option<String> {
    let pairs: Vec<_> = outcome
        .data
        .iter()
        .map(|field| format!("'{}', {}", field.as_str(), value(*field)))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(", "))
}

/// What else a task `t` must fulfil to go by this rule: one that waits for others does not become ready by hand.
pub(super) fn guard(rule: &Rule) -> String {
    if !rule.leaves_not_started() || rule.may_end() {
        return String::new();
    }
    let waiting = TaskStatus::NotStarted;
    format!(" AND (t.status <> '{waiting}' OR t.open_dependencies = 0)")
}

/// The statuses, quoted: `'NotStarted', 'Scheduled'`.
pub(super) fn list(statuses: &[TaskStatus]) -> String {
    quoted(statuses.iter())
}

/// The statuses in which a task has ended, quoted.
pub(crate) fn ended() -> String {
    quoted(TaskStatus::ALL.iter().filter(|status| status.is_terminal()))
}

fn quoted<'a>(statuses: impl Iterator<Item = &'a TaskStatus>) -> String {
    let quoted: Vec<_> = statuses.map(|status| format!("'{status}'")).collect();
    quoted.join(", ")
}

/// On what condition a task enters this live table: empty if every one does, `None` if none.
pub(super) fn entering(rule: &Rule, table: LiveTable, next: &str) -> Option<String> {
    let enters = |outcome: &&Outcome| outcome.to.live_table() == Some(table);
    let outcome = rule.outcomes.iter().find(enters)?;
    Some(if rule.outcomes.len() == 1 {
        String::new()
    } else {
        format!("{next} = '{}'", outcome.to)
    })
}

/// The live tables that a task of this rule may come from.
pub(super) fn left_tables(rule: &Rule) -> impl Iterator<Item = LiveTable> {
    rule.from.iter().filter_map(|status| status.live_table())
}

/// The column in which a worker finds that others took a task from it by this rule; `None` if it did so itself.
pub(super) fn notice(rule: &Rule) -> Option<&'static str> {
    if rule.needs_claim || !left_tables(rule).any(|table| table == LiveTable::Claims) {
        return None;
    }
    Some(match only_outcome(rule).to {
        TaskStatus::Cancelled => "cancelled_tasks",
        _ => "lost_tasks",
    })
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
pub(crate) const REPUBLISH: &str = "ON CONFLICT (task_execution_id) DO UPDATE
SET queue = excluded.queue, priority = excluded.priority, held = excluded.held";

/// By how much the counters of a pipeline change, from the tasks `moved` that were `before` and are `after`.
pub(super) fn counted(before: &str, after: &str) -> String {
    let ended = ended();
    let (failed, cancelled) = (TaskStatus::Failed, TaskStatus::Cancelled);
    let count = |statuses: &str| {
        format!(
            "count(*) FILTER (WHERE {after} IN ({statuses})) - count(*) FILTER (WHERE {before} IN ({statuses}))"
        )
    };
    format!(
        "-({}) AS open,
            {} AS failed,
            {} AS cancelled",
        count(&ended),
        count(&format!("'{failed}'")),
        count(&format!("'{cancelled}'"))
    )
}

/// What changes in the row of a pipeline `p` by the counts `n`.
pub(super) fn pipeline_changes(now: &str) -> String {
    let (paused, running) = (PipelineStatus::Paused, PipelineStatus::Running);
    format!(
        "open_tasks = p.open_tasks + n.open,
        failed_tasks = p.failed_tasks + n.failed,
        cancelled_tasks = p.cancelled_tasks + n.cancelled,
        pause_reason = CASE WHEN p.open_tasks + n.open = 0 THEN NULL ELSE p.pause_reason END,
        status = CASE
            WHEN p.open_tasks + n.open = 0 THEN {ENDED_STATUS}
            WHEN p.status = '{paused}' THEN p.status
            ELSE '{running}'
        END,
        updated_at = {now}"
    )
}

/// The status in which a pipeline ends, by its counters.
const ENDED_STATUS: &str = "CASE
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
