//! The calls about workers. Each answers whether the worker was there, or whether it is.

use taskbox_models::Transition;

use super::{Given, Transaction};
use crate::{MOST_TASKS, Mutation, WorkerRow};

impl Transaction<'_> {
    /// A new worker, in a place where there is none.
    pub(crate) fn register(&mut self, worker: usize) -> bool {
        let is_free = self.database.workers[worker].is_none();
        if is_free {
            self.database.workers[worker] = Some(WorkerRow::NEW);
        }
        is_free
    }

    /// Renews the lease, and tells which tasks were taken from the worker, once; but not of one that it has again.
    pub(crate) fn heartbeat(&mut self, worker: usize) -> Option<[bool; MOST_TASKS]> {
        let has_again = |task: usize| {
            self.database.claims[task].is_some_and(|row| row.worker == worker)
                && !self.is(Mutation::HeartbeatTellsOfTasksHadAgain)
        };
        let mut told = self.database.workers[worker]?.taken;
        for (task, is_told) in told.iter_mut().enumerate() {
            *is_told &= !has_again(task);
        }
        self.database.workers[worker] = Some(WorkerRow::NEW);
        Some(told)
    }

    /// Gives back what the worker has, and forgets it.
    pub(crate) fn deregister(&mut self, worker: usize) -> bool {
        if self.database.workers[worker].is_none() {
            return false;
        }
        let held = self.database.held_by(worker);
        let held: Vec<usize> = held.map(|(task, _)| task).collect();
        if !self.is(Mutation::DeregisterGivesNothingBack) {
            self.apply(Transition::Release, &held, Given::default());
        }
        self.database.workers[worker] = None;
        true
    }

    /// Forgets a worker whose lease is over and that has nothing.
    pub(crate) fn forget(&mut self, worker: usize) -> bool {
        let is_over = self.database.workers[worker].is_some_and(|row| !row.is_live);
        let is_idle = self.database.held_by(worker).next().is_none();
        let goes = is_over && (is_idle || self.is(Mutation::SweepForgetsWorkersWithTasks));
        if goes {
            self.database.workers[worker] = None;
        }
        goes
    }

    /// The time of a lease is over.
    pub(crate) fn expire(&mut self, worker: usize) -> bool {
        match self.database.workers[worker].as_mut() {
            Some(row) if row.is_live => {
                row.is_live = false;
                true
            }
            _ => false,
        }
    }
}
