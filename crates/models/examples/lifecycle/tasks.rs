//! The sections about tasks.

use taskbox_models::{
    Change, Condition, EventType, Field, LiveTable, Outcome, Rule, TaskStatus, Transition,
};

use crate::{code, table};

/// The rule that follows from another: a task that is redriven resets those that were skipped for it.
const BY_ITSELF: Transition = Transition::Reset;

fn rules() -> impl Iterator<Item = &'static Rule> {
    Transition::ALL.iter().map(|transition| transition.rule())
}

/// Every rule with each of its outcomes.
fn outcomes() -> impl Iterator<Item = (&'static Rule, &'static Outcome)> {
    rules().flat_map(|rule| rule.outcomes.iter().map(move |outcome| (rule, outcome)))
}

/// The arrows of the graph: from where, none for what is made; to where; and by which operations.
pub(crate) fn arrows() -> Vec<(Option<TaskStatus>, TaskStatus, String)> {
    let mut arrows: Vec<(Option<TaskStatus>, TaskStatus, String)> = Vec::new();
    for (rule, outcome) in outcomes() {
        for from in sources(rule) {
            match arrows
                .iter_mut()
                .find(|arrow| (arrow.0, arrow.1) == (from, outcome.to))
            {
                Some((_, _, names)) => *names = format!("{names}, {}", rule.name),
                None => arrows.push((from, outcome.to, rule.name.to_owned())),
            }
        }
    }
    arrows
}

/// Where the arrows of a rule start.
fn sources(rule: &Rule) -> Vec<Option<TaskStatus>> {
    if rule.from.is_empty() {
        return vec![None];
    }
    rule.from.iter().copied().map(Some).collect()
}

pub(crate) fn transitions() -> String {
    let rows = outcomes().map(|(rule, outcome)| {
        [
            code([rule.name]),
            code(rule.from.iter().map(|status| status.as_str())),
            code([outcome.to.as_str()]),
            outcome.when.map_or("", Condition::as_str).to_owned(),
            code(rule.from.iter().filter_map(|from| live_table(*from))),
            code(live_table(outcome.to)),
            code([outcome.event.as_str()]),
            code(outcome.data.iter().map(|field| field.as_str())),
            code(outcome.changes.iter().map(|change| change_text(*change))),
            if rule.needs_claim { "yes" } else { "" }.to_owned(),
        ]
    });
    let columns = [
        "operation",
        "from",
        "to",
        "when",
        "leaves",
        "enters",
        "event",
        "its data",
        "changes",
        "needs the claim",
    ];
    format!(
        "## Transitions

A task that is not in one of the statuses of \"from\" is left as it is. Otherwise its status, its row in a live
table and its event change in one transaction. Where a rule leaves several tables, a task leaves the one it is in.

{}
Each is an operation of `taskbox-dal`, but for {}, which follows from redriving a task that others were skipped for.
",
        table(columns, rows),
        code([BY_ITSELF.rule().name])
    )
}

fn live_table(status: TaskStatus) -> Option<&'static str> {
    status.live_table().map(LiveTable::as_str)
}

fn change_text(change: Change) -> &'static str {
    match change {
        Change::TakeAttempt => "attempt + 1, epoch + 1",
        Change::GiveAttemptBack => "attempt - 1",
        Change::CountRecovery => "recoveries + 1",
        Change::FreshAttempts => "attempt = 0, recoveries = 0",
        Change::SetOutput => "output",
    }
}

/// The events of tasks, and what the keys of their data hold.
pub(crate) fn events() -> String {
    let fields = outcomes().flat_map(|(_, outcome)| outcome.data);
    let fields = distinct(fields.map(|field| (field.as_str(), field_text(*field))));
    let mut keys: Vec<_> = fields.collect();
    keys.sort_unstable();
    let keys = keys.into_iter();
    format!(
        "## Events of tasks

`execution_events` has a row for each transition: the number of the row, the pipeline and the task, the type of the event, its
data, when it was written by the database's clock, and on Postgres the number of the transaction. Within a task the numbers
ascend. `event_data` is a JSON object with the keys below, or NULL if there are none.

{}
The end of a task also writes `task_marked_ready` and `task_skipped`, of those that waited for it, and a claim writes
`task_marked_ready` of scheduled tasks that are due.

{}",
        table(
            ["event", "written by", "the task is then", "its data"],
            EventType::ALL.iter().filter_map(|event| event_row(*event))
        ),
        table(
            ["key", "value"],
            keys.map(|(key, text)| [code([key]), text.to_owned()])
        )
    )
}

/// All that is said of an event; `None` for those of pipelines, which no rule of a task writes.
fn event_row(event: EventType) -> Option<[String; 4]> {
    let written: Vec<_> = outcomes()
        .filter(|(_, outcome)| outcome.event == event)
        .collect();
    let (_, first) = written.first()?;
    let rules = distinct(written.iter().map(|(rule, _)| rule.name));
    let ends = distinct(written.iter().map(|(_, outcome)| outcome.to.as_str()));
    Some([
        code([event.as_str()]),
        code(rules),
        code(ends),
        code(first.data.iter().map(|field| field.as_str())),
    ])
}

/// Each once, in the order of their first time.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    let mut seen = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen.into_iter()
}

fn field_text(field: Field) -> &'static str {
    match field {
        Field::Attempt => "the attempt that ended or began, from 1",
        Field::DueAt => {
            "when the task becomes due: UTC in RFC 3339 with microseconds, `2026-11-23T12:00:00.000000Z`"
        }
        Field::Epoch => "the epoch of the claim",
        Field::Error => "the text of the failed attempt's error",
        Field::Reason => "the words of who asked for it",
        Field::Worker => "the id of the worker",
    }
}

pub(crate) fn live_tables() -> String {
    let rows = TaskStatus::ALL.iter().map(|status| {
        [
            code([status.as_str()]),
            code(live_table(*status)),
            if status.is_terminal() { "yes" } else { "" }.to_owned(),
        ]
    });
    format!(
        "## Live tables

A task has exactly one row in the live table of its status and none in the others, so each table is as long as
the work that waits or runs, and `task_executions` remains the record.

{}",
        table(["status", "live table", "has ended"], rows)
    )
}
