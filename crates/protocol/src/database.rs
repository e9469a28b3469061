//! What the tables hold.

use std::array;

use taskbox_models::{PipelineStatus, TaskStatus};

use crate::{MOST_TASKS, MOST_WORKERS, Size};

/// The tables. Each has at most one row for a task, as the UNIQUE constraints have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Database {
    /// `task_executions`.
    pub tasks: [Option<Task>; MOST_TASKS],
    /// `task_outbox`.
    pub outbox: [Option<OutboxRow>; MOST_TASKS],
    /// `task_claims`.
    pub claims: [Option<ClaimRow>; MOST_TASKS],
    /// `task_schedule`: whether there is a row. Any time may have come.
    pub schedule: [bool; MOST_TASKS],
    /// The row of `pipeline_executions`.
    pub pipeline: Pipeline,
    /// `task_workers`.
    pub workers: [Option<WorkerRow>; MOST_WORKERS],
}

/// A row of `task_executions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    /// Where it stands.
    pub status: TaskStatus,
    /// How many attempts count.
    pub attempt: u8,
    /// How often it was taken back from a dead worker.
    pub recoveries: u8,
    /// How often it was claimed.
    pub epoch: u8,
    /// How many of the tasks that it waits for have not ended.
    pub open_dependencies: i8,
    /// Whether it is Skipped because of a task that it waited for, and not by hand. The history says so.
    pub is_skipped_for_another: bool,
}

/// A row of `task_outbox`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutboxRow {
    /// Whether its pipeline is Paused.
    pub held: bool,
}

/// A row of `task_claims`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClaimRow {
    /// Who has the task.
    pub worker: usize,
    /// Which claim it is.
    pub epoch: u8,
}

/// A row of `pipeline_executions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pipeline {
    /// Where it stands.
    pub status: PipelineStatus,
    /// How many of its tasks have not ended.
    pub open_tasks: i8,
    /// How many are Failed.
    pub failed_tasks: i8,
    /// How many are Cancelled.
    pub cancelled_tasks: i8,
}

/// A row of `task_workers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerRow {
    /// Whether its lease lasts.
    pub is_live: bool,
    /// Which tasks were taken from it, until it is told.
    pub taken: [bool; MOST_TASKS],
}

impl WorkerRow {
    /// A worker that has just registered.
    pub const NEW: Self = Self {
        is_live: true,
        taken: [false; MOST_TASKS],
    };
}

impl Database {
    /// A pipeline without tasks, and workers that have registered.
    #[must_use]
    pub fn new(size: &Size) -> Self {
        Self {
            tasks: [None; MOST_TASKS],
            outbox: [None; MOST_TASKS],
            claims: [None; MOST_TASKS],
            schedule: [false; MOST_TASKS],
            pipeline: Pipeline {
                status: PipelineStatus::Pending,
                open_tasks: 0,
                failed_tasks: 0,
                cancelled_tasks: 0,
            },
            workers: array::from_fn(|worker| (worker < size.workers).then_some(WorkerRow::NEW)),
        }
    }

    /// The tasks that have been made, with their places.
    pub fn made(&self) -> impl Iterator<Item = (usize, &Task)> {
        let tasks = self.tasks.iter().enumerate();
        tasks.filter_map(|(task, row)| Some((task, row.as_ref()?)))
    }

    /// Where a task stands; `None` if it was never made.
    #[must_use]
    pub fn status(&self, task: usize) -> Option<TaskStatus> {
        self.tasks[task].map(|task| task.status)
    }

    /// Whether a worker is there and its lease lasts.
    #[must_use]
    pub fn is_live(&self, worker: usize) -> bool {
        self.workers[worker].is_some_and(|row| row.is_live)
    }

    /// The tasks that a worker has by the table of claims.
    pub fn held_by(&self, worker: usize) -> impl Iterator<Item = (usize, ClaimRow)> {
        let claims = self.claims.iter().enumerate();
        claims.filter_map(move |(task, row)| {
            row.filter(|row| row.worker == worker)
                .map(|row| (task, row))
        })
    }
}
