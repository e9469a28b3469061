//! The one function that applies a transition, for one task or for ten thousand.
//!
//! What a transition does is data: the [`Rule`]s of `taskbox-models`. From a rule each backend makes the same
//! changes in the same order. Guarded task rows move, then the live tables follow, then the pipelines, then
//! the events are written; a task that is not in one of the rule's statuses is left alone and reported.

pub(crate) mod parts;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
pub(crate) mod release;
pub(crate) mod source;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

#[cfg(feature = "postgres")]
use std::sync::Arc;
use std::time::Duration;

use taskbox_models::{Claim, Conflict, Rule, TaskStatus};
use uuid::Uuid;

pub(crate) use source::{Argument, Change, Held, Pick, Source, distinct, microseconds};

#[cfg(feature = "postgres")]
use crate::witness::Subject;
use crate::{Error, Moved, Result, Tx, backend::Then, connection::Connection};

/// What became of one task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) task: Uuid,
    /// Where it was found; `None` if nowhere.
    pub(crate) found: Option<TaskStatus>,
    /// Where it went; `None` if it stayed.
    pub(crate) to: Option<TaskStatus>,
    /// Whether it ended and other tasks may wait for that.
    pub(crate) may_release: bool,
}

/// Applies the transition to every task that the rule lets go, in the order of the source.
///
/// Locks the pipelines of the tasks in the order of their ids, then the tasks in the order of theirs. Waits for
/// whoever holds them if the caller named them, and passes over held tasks if the source found them.
///
/// Those that wait for a task that ends become ready or are skipped with it; those that wait for one that is brought
/// back wait for it again, and what was skipped because of it comes back with it.
pub(crate) async fn apply(tx: &mut Tx<'_>, change: Change<'_>) -> Result<Vec<Outcome>> {
    let outcomes = apply_alone(tx, change, Then::More).await?;
    follow_up(tx, change, outcomes).await
}

/// Applies the transition as the last thing of an operation, which may end the operation's own transaction.
pub(crate) async fn apply_last(tx: &mut Tx<'_>, change: Change<'_>) -> Result<Vec<Outcome>> {
    let outcomes = apply_alone(tx, change, Then::Nothing).await?;
    follow_up(tx, change, outcomes).await
}

async fn follow_up(
    tx: &mut Tx<'_>,
    change: Change<'_>,
    outcomes: Vec<Outcome>,
) -> Result<Vec<Outcome>> {
    let ended = outcomes.iter().filter(|outcome| outcome.may_release);
    let ended: Vec<Uuid> = ended.map(|outcome| outcome.task).collect();
    if !ended.is_empty() {
        release::dependents(tx, ended).await?;
    }
    if change.rule.brings_back() {
        let back = outcomes.iter().filter(|outcome| outcome.to.is_some());
        let back: Vec<Uuid> = back.map(|outcome| outcome.task).collect();
        release::wait_again(tx, back).await?;
    }
    Ok(outcomes)
}

/// Applies the transition without what follows from it for other tasks.
async fn apply_alone(tx: &mut Tx<'_>, change: Change<'_>, then: Then) -> Result<Vec<Outcome>> {
    if change.source.is_empty() {
        return Ok(Vec::new());
    }
    let outcomes = move_tasks(tx, change, then).await?;
    let goes_to = |status| outcomes.iter().any(|outcome| outcome.to == Some(status));
    if goes_to(TaskStatus::Ready) {
        // Who makes due tasks ready claims them.
        if !matches!(change.source, Source::Due { .. }) {
            tx.is_ready_in(Duration::ZERO);
        }
    } else if goes_to(TaskStatus::Scheduled) {
        tx.is_ready_in(change.source.least_delay());
    }
    Ok(outcomes)
}

#[cfg_attr(
    not(feature = "sqlite"),
    expect(unused_variables, reason = "only SQLite ends a transaction so")
)]
async fn move_tasks(tx: &mut Tx<'_>, change: Change<'_>, then: Then) -> Result<Vec<Outcome>> {
    let faults = tx.context.faults.clone();
    match &mut tx.connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => {
            let (outcomes, id) = postgres::move_tasks(line, change, &faults).await?;
            let moved = outcomes.iter().find(|outcome| outcome.to.is_some());
            if let (Some(id), Some(moved)) = (id, moved) {
                tx.remember(id, Subject::Task(moved.task));
            }
            Ok(outcomes)
        }
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => Ok(sqlite::move_tasks(line, change, then, faults).await?),
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

/// Applies the transition to one task as the last thing of an operation, or says why not.
pub(crate) async fn apply_to_one(tx: &mut Tx<'_>, change: Change<'_>) -> Result<()> {
    match sort(change.rule, apply_last(tx, change).await?)
        .refused
        .pop()
    {
        None => Ok(()),
        Some(Conflict {
            task: id,
            found: None,
            ..
        }) => Err(Error::NotFound { what: "task", id }),
        Some(conflict) => Err(conflict.into()),
    }
}

/// Gives ready tasks to a worker, in the order of the outbox; as many as are picked at the most.
///
/// A claim that gives something is the last thing of its operation. Passes over tasks that are held by another transaction. Gives nothing to a worker whose lease has expired.
pub(crate) async fn claim(tx: &mut Tx<'_>, pick: Pick<'_>) -> Result<Vec<Claim>> {
    let faults = tx.context.faults.clone();
    #[cfg(feature = "postgres")]
    let heads = Arc::clone(&tx.context.heads);
    match &mut tx.connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => {
            let (claims, id) = postgres::claim(line, pick, &heads, &faults).await?;
            if let (Some(id), Some(claim)) = (id, claims.as_slice().first()) {
                tx.remember(id, Subject::Task(claim.task_execution_id()));
            }
            Ok(claims)
        }
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => Ok(sqlite::claim(line, pick, faults).await?),
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

/// Those that moved, and those that did not, with the reason.
pub(crate) fn sort(rule: &Rule, outcomes: Vec<Outcome>) -> Moved {
    let mut result = Moved::default();
    for Outcome {
        task, found, to, ..
    } in outcomes
    {
        if to.is_some() {
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
