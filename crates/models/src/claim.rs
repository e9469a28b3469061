use diesel::Queryable;
use serde_json::Value;
use uuid::Uuid;

use crate::{TraceContext, debug::debug_only};

/// A task that a worker has taken: what ends the attempt, and nothing else does.
///
/// Only claiming makes one. It is worth as much as the database says: once the task was taken back, or the worker's
/// lease has expired, every call that is given it answers that the lease is lost.
///
/// ```
/// use taskbox_models::Claim;
///
/// /// What to work on, and how long to wait before the next try.
/// fn plan(claim: &Claim) -> Option<(&str, u32)> {
///     let path = claim.input()?["path"].as_str()?;
///     Some((path, 2_u32.pow(claim.attempt().clamp(1, 10).unsigned_abs())))
/// }
/// ```
#[derive(Clone, PartialEq, Queryable)]
pub struct Claim {
    task_execution_id: Uuid,
    pipeline_execution_id: Option<Uuid>,
    task_name: String,
    input: Option<Value>,
    attempt: i32,
    epoch: i64,
    worker_id: Uuid,
    trace_context: Option<TraceContext>,
}

impl Claim {
    /// The task.
    #[must_use]
    pub const fn task_execution_id(&self) -> Uuid {
        self.task_execution_id
    }

    /// The task's pipeline; `None` for a task of its own.
    #[must_use]
    pub const fn pipeline_execution_id(&self) -> Option<Uuid> {
        self.pipeline_execution_id
    }

    /// Which code runs it.
    #[must_use]
    pub fn task_name(&self) -> &str {
        &self.task_name
    }

    /// What the task's maker gave it.
    #[must_use]
    pub const fn input(&self) -> Option<&Value> {
        self.input.as_ref()
    }

    /// Which attempt this is, from 1; attempts that were given back do not count.
    #[must_use]
    pub const fn attempt(&self) -> i32 {
        self.attempt
    }

    /// How often the task was claimed, this time included. No other claim of the task has this number.
    #[must_use]
    pub const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// The worker that took it.
    #[must_use]
    pub const fn worker_id(&self) -> Uuid {
        self.worker_id
    }

    /// Which trace the task was made in; `None` if none was given.
    #[must_use]
    pub const fn trace_context(&self) -> Option<&TraceContext> {
        self.trace_context.as_ref()
    }
}

debug_only!(Claim {
    task_execution_id,
    task_name,
    attempt,
    epoch,
    worker_id,
});
