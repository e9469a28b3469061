//! The live tables follow the tasks.

use taskbox_models::{LiveTable, PipelineStatus, Rule, TaskStatus, Transition};

use super::{Given, Move, Transaction};
use crate::{ClaimRow, Mutation, OutboxRow};

impl Transaction<'_> {
    pub(super) fn leave_live_table(&mut self, rule: &Rule, it: &Move) {
        if self.leaves_its_row(rule.transition) {
            return;
        }
        match it.from.live_table() {
            None => {}
            Some(LiveTable::Outbox) => self.database.outbox[it.task] = None,
            Some(LiveTable::Schedule) => self.database.schedule[it.task] = false,
            Some(LiveTable::Claims) => {
                let row = self.database.claims[it.task].take();
                if let Some(row) = row.filter(|_| !rule.needs_claim) {
                    self.leave_word(row.worker, it.task);
                }
            }
        }
    }

    /// For the worker that a task is taken from by another.
    fn leave_word(&mut self, worker: usize, task: usize) {
        if let Some(worker) = self.database.workers[worker].as_mut() {
            worker.taken[task] = true;
        }
    }

    fn leaves_its_row(&self, transition: Transition) -> bool {
        match transition {
            Transition::Claim => self.is(Mutation::ClaimLeavesOutboxRow),
            Transition::Complete => self.is(Mutation::CompleteLeavesClaim),
            Transition::Cancel => self.is(Mutation::CancelLeavesItsRow),
            Transition::MarkReady => self.is(Mutation::PromotionLeavesSchedule),
            _ => false,
        }
    }

    pub(super) fn enter_live_table(&mut self, rule: &Rule, it: &Move, given: Given) {
        match it.outcome.to.live_table() {
            None => {}
            Some(LiveTable::Outbox) => self.publish(rule, it.task),
            Some(LiveTable::Schedule) => self.database.schedule[it.task] = true,
            Some(LiveTable::Claims) => {
                let epoch = self.database.tasks[it.task].map_or(0, |task| task.epoch);
                let row = given.worker.map(|worker| ClaimRow { worker, epoch });
                self.database.claims[it.task] = row;
            }
        }
    }

    /// A task of a Paused pipeline is held.
    fn publish(&mut self, rule: &Rule, task: usize) {
        if rule.transition == Transition::Recover && self.is(Mutation::RecoveryWithoutOutboxRow) {
            return;
        }
        let is_paused = self.database.pipeline.status == PipelineStatus::Paused;
        let held = self.protocol.size.tasks[task].in_pipeline
            && is_paused
            && !self.is(Mutation::PublishNeverHolds);
        self.database.outbox[task] = Some(OutboxRow { held });
    }

    /// Whether rows of the outbox that are the pipeline's are held from now on.
    pub(super) fn hold(&mut self, held: bool) {
        for (task, row) in self.database.outbox.iter_mut().enumerate() {
            let plan = self.protocol.size.tasks.get(task);
            if let Some(row) = row
                .as_mut()
                .filter(|_| plan.is_some_and(|it| it.in_pipeline))
            {
                row.held = held;
            }
        }
    }

    /// Whether all tasks of the pipeline are `NotStarted`.
    pub(super) fn is_untouched(&self) -> bool {
        let mut tasks = self.database.made();
        tasks.all(|(task, row)| {
            !self.protocol.size.tasks[task].in_pipeline || row.status == TaskStatus::NotStarted
        })
    }
}
