use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{RunWhen, TaskStatus, TraceContext, debug::debug_only};

/// A row of `task_executions`: the record of a task. Its `Debug` shows neither input nor output.
#[derive(Clone, Deserialize, PartialEq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::task_executions)]
pub struct TaskExecution {
    /// Its id.
    pub id: Uuid,
    /// Its pipeline; `None` for a task of its own.
    pub pipeline_execution_id: Option<Uuid>,
    /// Which code runs it.
    pub task_name: String,
    /// The queue that workers claim it from.
    pub queue: String,
    /// Higher is claimed first.
    pub priority: i32,
    /// Where it stands.
    pub status: TaskStatus,
    /// Which ends of its dependencies make it ready.
    pub run_when: RunWhen,
    /// How many of its dependencies have not ended.
    pub open_dependencies: i32,
    /// How often it was claimed, without the attempts given back: 0 before the first claim.
    pub attempt: i32,
    /// How many attempts it has before it fails for good.
    pub max_attempts: i32,
    /// How often it was taken back from a worker that had died.
    pub recoveries: i32,
    /// Grows with every claim and never goes back.
    pub epoch: i64,
    /// What its maker gave it.
    pub input: Option<Value>,
    /// What completing it returned.
    pub output: Option<Value>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Which trace it was made in; `None` if none was given.
    pub trace_context: Option<TraceContext>,
}

debug_only!(TaskExecution {
    id,
    pipeline_execution_id,
    task_name,
    queue,
    priority,
    status,
    run_when,
    open_dependencies,
    attempt,
    max_attempts,
    recoveries,
    epoch,
    created_at,
    updated_at,
    trace_context,
});

/// A task that is yet to be made. Its `Debug` does not show the input.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct NewTaskExecution {
    /// Its id, where the caller chose one.
    pub id: Option<Uuid>,
    /// Its pipeline; `None` for a task of its own.
    pub pipeline_execution_id: Option<Uuid>,
    /// Which code runs it: 1 to 255 bytes without a NUL character.
    pub task_name: String,
    /// The queue that workers claim it from: 1 to 255 bytes without a NUL character.
    pub queue: String,
    /// Higher is claimed first.
    pub priority: i32,
    /// How many attempts it has, at least 1.
    pub max_attempts: i32,
    /// What to give it: JSON of at most 100 levels, without NUL characters.
    pub input: Option<Value>,
    /// The tasks that it waits for, of the same pipeline.
    pub after: Vec<Uuid>,
    /// Which ends of those make it ready.
    pub run_when: RunWhen,
    /// Which trace it is made in: names without NUL characters, all of it at most 8 KiB.
    pub trace_context: Option<TraceContext>,
}

debug_only!(NewTaskExecution {
    id,
    pipeline_execution_id,
    task_name,
    queue,
    priority,
    max_attempts,
    after,
    run_when,
    trace_context,
});

impl NewTaskExecution {
    /// How many attempts a task has if nothing else is said.
    pub const DEFAULT_MAX_ATTEMPTS: i32 = 5;
    /// The queue of a task if nothing else is said.
    pub const DEFAULT_QUEUE: &'static str = "default";

    /// A task of a pipeline.
    pub fn new(pipeline_execution_id: Uuid, task_name: impl Into<String>) -> Self {
        Self {
            pipeline_execution_id: Some(pipeline_execution_id),
            ..Self::standalone(task_name)
        }
    }

    /// A task of no pipeline: a job.
    pub fn standalone(task_name: impl Into<String>) -> Self {
        Self {
            id: None,
            pipeline_execution_id: None,
            task_name: task_name.into(),
            queue: Self::DEFAULT_QUEUE.to_owned(),
            priority: 0,
            max_attempts: Self::DEFAULT_MAX_ATTEMPTS,
            input: None,
            after: Vec::new(),
            run_when: RunWhen::AllCompleted,
            trace_context: None,
        }
    }

    /// Waits for the end of these tasks, which are of the same pipeline and may be made in the same call. Those of an
    /// earlier call of this are kept.
    #[must_use]
    pub fn after(mut self, tasks: &[Uuid]) -> Self {
        self.after.extend_from_slice(tasks);
        self
    }

    /// Which ends of the tasks that it waits for make it ready; [`RunWhen::AllCompleted`] if nothing is said.
    #[must_use]
    pub fn run_when(mut self, run_when: RunWhen) -> Self {
        self.run_when = run_when;
        self
    }

    /// Chooses its id, so that making it can be repeated safely: the second time is a conflict.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// What to give it. Kept with the task, so better a reference to a large thing than the thing.
    #[must_use]
    pub fn input(mut self, input: impl Into<Value>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// How many attempts it has before it fails for good, at least 1.
    #[must_use]
    pub fn max_attempts(mut self, max_attempts: i32) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// Higher is claimed first; 0 if nothing is said.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// The queue that workers claim it from; "default" if nothing is said.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = queue.into();
        self
    }

    /// Which trace it is made in. If nothing is said, the one that the [`DAL`] was told to ask for, if any.
    ///
    /// [`DAL`]: https://docs.rs/taskbox-dal/latest/taskbox_dal/struct.DALBuilder.html#method.trace_context
    #[must_use]
    pub fn trace_context(mut self, context: impl Into<TraceContext>) -> Self {
        self.trace_context = Some(context.into());
        self
    }
}
