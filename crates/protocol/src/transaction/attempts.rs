//! Claims, the ends of attempts, and recovery.

use taskbox_models::Transition;

use super::{Given, Transaction};
use crate::{ClaimRow, Mutation};

impl Transaction<'_> {
    /// Gives the task to a worker, if its row in the outbox is free; answers with the epoch of the claim.
    pub(crate) fn claim(&mut self, worker: usize, task: usize) -> Option<u8> {
        let row = self.database.outbox[task]?;
        let is_free = !row.held || self.is(Mutation::ClaimTakesHeldRows);
        let may_claim = self.database.is_live(worker)
            || self.database.workers[worker].is_some() && self.is(Mutation::ClaimWithoutLease);
        if !is_free || !may_claim {
            return None;
        }
        let given = Given {
            worker: Some(worker),
            ..Given::default()
        };
        self.apply_alone(Transition::Claim, &[task], given).pop()?;
        Some(self.database.tasks[task]?.epoch)
    }

    /// Ends an attempt, if the rule's fence lets the claim through.
    pub(crate) fn end(
        &mut self,
        transition: Transition,
        task: usize,
        claim: ClaimRow,
        has_delay: bool,
    ) -> bool {
        let rule = self.protocol.rule(transition);
        if rule.needs_claim && !self.is_let_through(task, claim) {
            return false;
        }
        let given = Given {
            has_delay,
            ..Given::default()
        };
        self.apply(transition, &[task], given)
    }

    /// The fence: whether the claim is the task's last, and its worker's lease lasts.
    ///
    /// Where the task must stand says the rule.
    pub(crate) fn is_let_through(&self, task: usize, claim: ClaimRow) -> bool {
        let Some(row) = self.database.tasks[task] else {
            return false;
        };
        let is_live = self.database.is_live(claim.worker)
            || self.database.workers[claim.worker].is_some()
                && self.is(Mutation::FenceIgnoresLease);
        let number = if self.is(Mutation::FenceComparesAttempts) {
            row.attempt
        } else {
            row.epoch
        };
        (number == claim.epoch || self.is(Mutation::FenceIgnoresEpoch)) && is_live
    }

    /// Takes a task back from a worker whose lease is over.
    pub(crate) fn recover(&mut self, task: usize) -> bool {
        let Some(claim) = self.database.claims[task] else {
            return false;
        };
        let Some(worker) = self.database.workers[claim.worker] else {
            return false;
        };
        let is_over = !worker.is_live || self.is(Mutation::RecoveryOfTheLiving);
        let is_current =
            self.database.tasks[task].is_some_and(|row| row.epoch == claim.epoch) && is_over;
        is_current && self.apply(Transition::Recover, &[task], Given::default())
    }
}
