use taskbox_models::{Claim, Transition, Worker};

use super::TaskExecutionDAL;
use crate::{
    Door, Error, Result, Tx,
    queries::{
        transition::{self, Change, Pick, Source, apply},
        worker,
    },
    validate,
};

/// How many due tasks one claim makes ready at the most; those beyond are left to the next.
const PROMOTED_AT_ONCE: i64 = 1_000;

impl<D: Door> TaskExecutionDAL<D> {
    /// Takes ready tasks for a worker, `limit` at the most: by priority, then in the order in which they became ready.
    /// Answers with the claims in that order; with none if nothing is ready.
    ///
    /// Scheduled tasks whose time has come are made ready first. Tasks that another transaction holds at this moment, or
    /// whose pipeline is paused, are passed over.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the limit is negative; [`Error::LeaseLost`] if the worker's lease has expired, or
    /// there is no such worker any more.
    pub async fn claim(self, worker: &Worker, limit: i64) -> Result<Vec<Claim>> {
        self.pick(worker, None, limit).await
    }

    /// Takes ready tasks as [`claim`](Self::claim) does, from these queues alone; none from no queue.
    ///
    /// # Errors
    ///
    /// As [`claim`](Self::claim); [`Error::InvalidInput`] also for a queue's name that no task can have, and for more
    /// than 100 queues.
    pub async fn claim_from(
        self,
        worker: &Worker,
        queues: &[impl AsRef<str> + Sync],
        limit: i64,
    ) -> Result<Vec<Claim>> {
        let queues = validate::queues(queues)?;
        self.pick(worker, Some(&queues), limit).await
    }

    async fn pick(
        self,
        worker: &Worker,
        queues: Option<&[String]>,
        limit: i64,
    ) -> Result<Vec<Claim>> {
        validate::limit(limit)?;
        if limit == 0 || queues.is_some_and(<[String]>::is_empty) {
            return Ok(Vec::new());
        }
        let pick = Pick {
            worker: worker.id,
            limit,
            queues,
            unless_due: true,
        };
        self.door
            .write("claim", async |tx: &mut Tx<'_>| claim(tx, pick).await)
            .await
    }
}

async fn claim(tx: &mut Tx<'_>, pick: Pick<'_>) -> Result<Vec<Claim>> {
    let claims = transition::claim(tx, pick).await?;
    if !claims.is_empty() {
        return Ok(claims);
    }
    let state = worker::state(&mut tx.connection, pick.worker).await?;
    if !state.is_live {
        return Err(Error::LeaseLost {
            what: "worker",
            id: pick.worker,
        });
    }
    if !state.is_something_due {
        return Ok(claims);
    }
    let promotion = Change {
        rule: Transition::MarkReady.rule(),
        source: Source::Due {
            limit: PROMOTED_AT_ONCE,
        },
    };
    apply(tx, promotion).await?;
    let unless_due = false;
    transition::claim(tx, Pick { unless_due, ..pick }).await
}
