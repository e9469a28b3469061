//! The one function that applies a transition, for one task or for ten thousand.
//!
//! What a transition does is data: the [`Rule`]s of `taskbox-models`. From a rule each backend makes the same
//! changes in the same order. Guarded task rows move, then the live tables follow, then the pipelines, then
//! the events are written; a task that is not in one of the rule's statuses is left alone and reported.

pub(crate) mod parts;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use std::{collections::HashSet, time::Duration};

use taskbox_models::{Conflict, Rule, TaskStatus};
use uuid::Uuid;

#[cfg(feature = "postgres")]
use crate::witness::Subject;
use crate::{Error, Moved, Result, Tx, connection::Connection};

/// A transition of some tasks, with what its events say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) rule: &'static Rule,
    /// The tasks, none of them twice.
    pub(crate) tasks: &'a [Uuid],
    pub(crate) argument: Argument<'a>,
}

/// What a rule needs beside the tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument<'a> {
    None,
    /// In how many microseconds the tasks become ready.
    DueIn(i64),
    Reason(&'a str),
}

/// What became of one task: where it was found (`None` if nowhere), and whether it moved.
type Outcome = (Uuid, Option<TaskStatus>, bool);

/// The longest delay: a century.
const MAX_DELAY: Duration = Duration::from_hours(100 * 365 * 24);

impl Argument<'_> {
    /// A delay from now, by the clock of the database.
    pub(crate) fn due_in(delay: Duration) -> Result<Self> {
        if delay > MAX_DELAY {
            return Err(Error::invalid("delay", "is longer than a century"));
        }
        let microseconds = i64::try_from(delay.as_micros())
            .map_err(|_| Error::invalid("delay", "is longer than a century"))?;
        Ok(Self::DueIn(microseconds))
    }
}

/// Applies the transition to every task that the rule lets go, in the order given; ids named twice count once.
///
/// Locks the pipelines of the tasks in the order of their ids, then the tasks in the order of theirs, and
/// waits for whoever holds them. On Postgres it is one statement.
pub(crate) async fn apply(tx: &mut Tx<'_>, change: Change<'_>) -> Result<Moved> {
    let mut seen = HashSet::with_capacity(change.tasks.len());
    let tasks: Vec<Uuid> = change
        .tasks
        .iter()
        .copied()
        .filter(|id| seen.insert(*id))
        .collect();
    if tasks.is_empty() {
        return Ok(Moved::default());
    }
    let outcomes = move_tasks(tx, change, &tasks).await?;
    Ok(sort(change.rule, outcomes))
}

/// Applies the transition to one task, or says why not.
pub(crate) async fn apply_to_one(tx: &mut Tx<'_>, change: Change<'_>) -> Result<()> {
    match apply(tx, change).await?.refused.pop() {
        None => Ok(()),
        Some(Conflict {
            task: id,
            found: None,
            ..
        }) => Err(Error::NotFound { what: "task", id }),
        Some(conflict) => Err(conflict.into()),
    }
}

async fn move_tasks(tx: &mut Tx<'_>, change: Change<'_>, tasks: &[Uuid]) -> Result<Vec<Outcome>> {
    let faults = tx.faults.clone();
    match &mut tx.connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(connection) => {
            let change = Change { tasks, ..change };
            let (outcomes, id) = postgres::move_tasks(connection, change, &faults).await?;
            if let (Some(id), Some(moved)) = (id, outcomes.iter().find(|outcome| outcome.2)) {
                tx.remember(id, Subject::Task(moved.0));
            }
            Ok(outcomes)
        }
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(connection) => {
            Ok(sqlite::move_tasks(connection, change, tasks.to_vec(), faults).await?)
        }
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

fn sort(rule: &Rule, outcomes: Vec<Outcome>) -> Moved {
    let mut result = Moved::default();
    for (task, found, moved) in outcomes {
        if moved {
            result.moved.push(task);
        } else {
            result.refused.push(Conflict {
                task,
                expected: rule.from.to_vec(),
                found,
            });
        }
    }
    result
}
