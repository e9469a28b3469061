//! The database, and what those beside it believe.

use std::array;

use crate::{Breaches, Database, MOST_CLAIMS, MOST_TASKS, MOST_WORKERS, Size};

/// A state of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// What is committed.
    pub database: Database,
    /// What each worker's program believes.
    pub processes: [Process; MOST_WORKERS],
    /// The last claim of each task whose end was recorded; 0 for none.
    pub recorded: [u8; MOST_TASKS],
    /// What the last step did that no step may do.
    pub breaches: Breaches,
}

/// The program of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    /// Whether it runs.
    pub is_alive: bool,
    /// Whether it may have tasks that it does not know of, and so has to deregister: it never heard what became of a
    /// claim, or was refused the end of an attempt, maybe only since its lease was over.
    pub must_start_anew: bool,
    /// The claims in its hands, by task: a bit for each epoch. It may have old ones.
    pub claims: [u8; MOST_TASKS],
}

impl Process {
    /// One that has nothing.
    #[must_use]
    pub fn new(is_alive: bool) -> Self {
        Self {
            is_alive,
            must_start_anew: false,
            claims: [0; MOST_TASKS],
        }
    }

    /// Takes a claim in its hands.
    pub(crate) fn take(&mut self, task: usize, epoch: u8) {
        self.claims[task] |= bit(epoch);
    }

    /// Lets go of a claim.
    pub(crate) fn drop(&mut self, task: usize, epoch: u8) {
        self.claims[task] &= !bit(epoch);
    }

    /// Whether it has a claim in its hands.
    #[must_use]
    pub fn has(&self, task: usize, epoch: u8) -> bool {
        self.claims[task] & bit(epoch) != 0
    }

    /// The epochs of its claims of a task.
    pub fn epochs(&self, task: usize) -> impl Iterator<Item = u8> {
        let claims = self.claims[task];
        (1..=MOST_CLAIMS).filter(move |epoch| claims & bit(*epoch) != 0)
    }
}

const fn bit(epoch: u8) -> u8 {
    1 << (epoch % 8)
}

impl World {
    /// Before anything has happened.
    #[must_use]
    pub fn new(size: &Size) -> Self {
        Self {
            database: Database::new(size),
            processes: array::from_fn(|worker| Process::new(worker < size.workers)),
            recorded: [0; MOST_TASKS],
            breaches: Breaches::default(),
        }
    }
}
