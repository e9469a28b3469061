use taskbox_dal::{DAL, Result, Tx};
use taskbox_models::{Claim, Worker};

use crate::slots::{Queue, Room};

/// Claims as many tasks as there is room for, in one transaction. Answers with each and the number of its queue.
///
/// A claim does not say of which queue its task is, so each queue that was named is asked by itself.
pub(crate) async fn claim(dal: &DAL, worker: &Worker, room: &Room) -> Result<Vec<(usize, Claim)>> {
    match room.queues.as_slice() {
        [(number, queue)] => {
            let limit = limit(queue.free.min(room.total));
            let tasks = dal.task_execution();
            let claims = match &queue.name {
                None => tasks.claim(worker, limit).await?,
                Some(name) => tasks.claim_from(worker, &[name], limit).await?,
            };
            Ok(claims.into_iter().map(|claim| (*number, claim)).collect())
        }
        queues => {
            dal.transaction_with_retry(async |tx: &mut Tx<'_>| {
                claim_from_each(tx, worker, room.total, queues).await
            })
            .await
        }
    }
}

/// Begins with a queue that is chosen by lot, so that none is always the last to be asked.
async fn claim_from_each(
    tx: &mut Tx<'_>,
    worker: &Worker,
    mut total: usize,
    queues: &[(usize, Queue)],
) -> Result<Vec<(usize, Claim)>> {
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
