use std::time::Duration;

use taskbox_dal::{DAL, Result, Tx};
use taskbox_models::{Claim, Worker};

use crate::slots::Room;

/// What a look for tasks found.
pub(crate) enum Found {
    /// Tasks that are claimed, each with the number of its queue.
    Claims(Vec<(usize, Claim)>),
    /// None, and how long it is until the next one is due; `None` if none is scheduled.
    Nothing { due_in: Option<Duration> },
}

/// Claims as many tasks as there is room for, or asks when the next is due.
///
/// What becomes ready or is scheduled between the two is heard of, or shows in the answer.
pub(crate) async fn look(dal: &DAL, worker: &Worker, room: &Room) -> Result<Found> {
    let claims = claim(dal, worker, room).await?;
    if !claims.is_empty() {
        return Ok(Found::Claims(claims));
    }
    let due_in = dal.task_execution().next_due().await?;
    Ok(Found::Nothing { due_in })
}

/// A claim does not say of which queue its task is, so each queue that was named is asked by itself; all in one
/// transaction.
async fn claim(dal: &DAL, worker: &Worker, room: &Room) -> Result<Vec<(usize, Claim)>> {
    let [(number, queue)] = room.queues.as_slice() else {
        let each = async |tx: &mut Tx<'_>| claim_from_each(tx, worker, room).await;
        return dal.transaction_with_retry(each).await;
    };
    let limit = limit(room.total.min(queue.free));
    let tasks = dal.task_execution();
    let claims = match &queue.name {
        None => tasks.claim(worker, limit).await?,
        Some(name) => tasks.claim_from(worker, &[name], limit).await?,
    };
    Ok(claims.into_iter().map(|claim| (*number, claim)).collect())
}

/// Begins with a queue that is chosen by lot, so that none is always the last to be asked.
async fn claim_from_each(
    tx: &mut Tx<'_>,
    worker: &Worker,
    room: &Room,
) -> Result<Vec<(usize, Claim)>> {
    let Room { total, queues, .. } = room;
    let mut total = *total;
    let mut claims = Vec::new();
    let first = fastrand::usize(..queues.len().max(1));
    let in_turn = queues.iter().cycle().skip(first).take(queues.len());
    for (number, queue) in in_turn {
        let Some(name) = &queue.name else { continue };
        let limit = limit(queue.free.min(total));
        let of_queue = tx
            .task_execution()
            .claim_from(worker, &[name], limit)
            .await?;
        total = total.saturating_sub(of_queue.len());
        claims.extend(of_queue.into_iter().map(|claim| (*number, claim)));
    }
    Ok(claims)
}

fn limit(free: usize) -> i64 {
    i64::try_from(free).unwrap_or(i64::MAX)
}
