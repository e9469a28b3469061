//! What the end of tasks means for those that wait for them.

use taskbox_models::Transition;
use uuid::Uuid;

use super::{Argument, Change, Source, apply_alone};
use crate::{Result, Tx, backend::Then, queries::task_dependency};

/// What the history says of a task that is skipped because of another.
pub(crate) const REASON: &str = "a dependency did not complete";

/// Skips the tasks that will never be ready now, and makes those ready that wait for no more. Skips pass on.
pub(super) async fn dependents(tx: &mut Tx<'_>, mut ended: Vec<Uuid>) -> Result<()> {
    tx.context.faults.reach("release: look")?;
    let doomed = task_dependency::doomed(&mut tx.connection, &ended).await?;
    skip(tx, &doomed).await?;
    ended.extend(doomed);
    tx.context.faults.reach("release: count")?;
    let ready = task_dependency::count_down(&mut tx.connection, &ended).await?;
    make_ready(tx, &ready).await
}

/// Brings back with these tasks what was skipped because of them alone, and counts all of them in those that wait for
/// them.
pub(super) async fn wait_again(tx: &mut Tx<'_>, mut back: Vec<Uuid>) -> Result<()> {
    if back.is_empty() {
        return Ok(());
    }
    tx.context.faults.reach("release: reset")?;
    let skipped = task_dependency::skipped_because_of(&mut tx.connection, &back, REASON).await?;
    move_on(tx, Transition::Reset, &skipped, Argument::None).await?;
    back.extend(skipped);
    tx.context.faults.reach("release: recount")?;
    task_dependency::recount(&mut tx.connection, &back).await
}

/// Moves tasks that were made after their dependencies had ended: one of them otherwise than it should, or all as they
/// should.
pub(crate) async fn latecomers(tx: &mut Tx<'_>, doomed: Vec<Uuid>, ready: &[Uuid]) -> Result<()> {
    if !doomed.is_empty() {
        skip(tx, &doomed).await?;
        dependents(tx, doomed).await?;
    }
    make_ready(tx, ready).await
}

async fn skip(tx: &mut Tx<'_>, tasks: &[Uuid]) -> Result<()> {
    move_on(tx, Transition::Skip, tasks, Argument::Reason(REASON)).await
}

async fn make_ready(tx: &mut Tx<'_>, tasks: &[Uuid]) -> Result<()> {
    move_on(tx, Transition::MarkReady, tasks, Argument::None).await
}

async fn move_on(
    tx: &mut Tx<'_>,
    transition: Transition,
    tasks: &[Uuid],
    argument: Argument<'_>,
) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let rule = transition.rule();
    let source = Source::Named { tasks, argument };
    let change = Change { rule, source };
    apply_alone(tx, change, Then::More).await.map(drop)
}
