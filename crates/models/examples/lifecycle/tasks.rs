//! The sections about tasks.

use taskbox_models::{Change, Condition, Field, LiveTable, Outcome, Rule, TaskStatus, Transition};

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

pub(crate) fn graph() -> String {
    let mut arrows: Vec<((&str, &str), Vec<&str>)> = Vec::new();
    for (rule, outcome) in outcomes() {
        for from in sources(rule) {
            let ends = (from, outcome.to.as_str());
            match arrows.iter_mut().find(|arrow| arrow.0 == ends) {
                Some((_, names)) => names.push(rule.name),
                None => arrows.push((ends, vec![rule.name])),
            }
        }
    }
    let lines: Vec<_> = arrows
        .iter()
        .map(|((from, to), names)| format!("    {from} --> {to}: {}", names.join(", ")))
        .collect();
    let lines = lines.join("\n");
    format!("```mermaid\nstateDiagram-v2\n{lines}\n```\n")
}

/// Where the arrows of a rule start; `[*]` is how mermaid draws the beginning.
fn sources(rule: &Rule) -> Vec<&'static str> {
    if rule.from.is_empty() {
        return vec!["[*]"];
    }
    rule.from.iter().map(|status| status.as_str()).collect()
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

pub(crate) fn event_data() -> String {
    let mut fields: Vec<Field> = Vec::new();
    for field in outcomes().flat_map(|(_, outcome)| outcome.data) {
        if !fields.contains(field) {
            fields.push(*field);
        }
    }
    fields.sort_unstable_by_key(|field| field.as_str());
    let rows = fields
        .into_iter()
        .map(|field| [code([field.as_str()]), field_text(field).to_owned()]);
    format!(
        "## What events say

`event_data` is a JSON object with the keys above, or NULL if there are none.

{}",
        table(["key", "value"], rows)
    )
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
