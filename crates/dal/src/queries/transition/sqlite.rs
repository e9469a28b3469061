//! A transition on SQLite: a few statements in one go on the connection's thread.
//!
//! Differs from Postgres, since SQLite has no statement that changes several tables. The transaction is the
//! only writer, so what the first statement reads stays true for the others.

mod changes;
mod claim;
mod events;
mod input;
mod look;
mod pipelines;

use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use taskbox_models::Rule;

pub(super) use claim::claim;

use super::{Change, Outcome, parts};
use crate::{
    backend::{Then, sqlite::Line},
    fault::Faults,
    queries::SQLITE_NOW as NOW,
};
use input::Input;
use look::{Found, Look};

pub(super) async fn move_tasks(
    line: &mut Line<'_>,
    change: Change<'_>,
    then: Then,
    faults: Faults,
) -> QueryResult<Vec<Outcome>> {
    let look = Look::new(change);
    let rule = change.rule;
    let is_last = move |outcomes: &Vec<Outcome>| {
        let may_release = |outcome: &Outcome| outcome.may_release;
        then == Then::Nothing && !rule.brings_back() && !outcomes.iter().any(may_release)
    };
    line.run_last(move |connection| run(connection, &look, &faults), is_last)
        .await
}

fn run(
    connection: &mut SqliteConnection,
    look: &Look,
    faults: &Faults,
) -> QueryResult<Vec<Outcome>> {
    faults.reach("transition: look")?;
    let found = look.load(connection)?;
    let moving: Vec<&Found> = found.iter().filter(|found| found.to.is_some()).collect();
    if !moving.is_empty() {
        move_found(connection, look.rule, &moving, &look.input(&moving), faults)?;
    }
    Ok(found.iter().map(Found::outcome).collect())
}

/// Moves tasks that the rule lets go.
fn move_found(
    connection: &mut SqliteConnection,
    rule: &'static Rule,
    moving: &[&Found],
    input: &Input,
    faults: &Faults,
) -> QueryResult<()> {
    faults.reach("transition: tasks")?;
    changes::change_tasks(rule, input).execute(connection)?;
    if let Some(column) = parts::notice(rule) {
        faults.reach("transition: workers")?;
        changes::notify_workers(column, input).execute(connection)?;
    }
    changes::leave_live_tables(connection, moving, input, faults)?;
    faults.reach("transition: live table")?;
    for statement in changes::enter_live_tables(rule, input) {
        statement.execute(connection)?;
    }
    let ended = pipelines::advance(connection, rule, moving, faults)?;
    faults.reach("transition: events")?;
    events::write(rule, input).execute(connection)?;
    faults.reach("transition: pipeline events")?;
    pipelines::write_events(connection, &ended)?;
    faults.reach("transition: done")
}
