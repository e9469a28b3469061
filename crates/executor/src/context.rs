use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::Serialize;
use serde_json::Value;
use taskbox_dal::{Closure, DAL, Tx};
use taskbox_models::{Claim, DependencyOutput, TraceContext};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{TaskError, handler::to_value};

/// What an attempt knows of its task. Cheap to clone.
#[derive(Clone)]
pub struct TaskContext(Arc<Inner>);

struct Inner {
    claim: Claim,
    dal: DAL,
    token: CancellationToken,
    completed: AtomicBool,
}

impl TaskContext {
    pub(crate) fn new(claim: Claim, dal: DAL, token: CancellationToken) -> Self {
        Self(Arc::new(Inner {
            claim,
            dal,
            token,
            completed: AtomicBool::new(false),
        }))
    }

    /// The task.
    #[must_use]
    pub fn task_execution_id(&self) -> Uuid {
        self.claim().task_execution_id()
    }

    /// The task's pipeline; `None` for a task of its own.
    #[must_use]
    pub fn pipeline_execution_id(&self) -> Option<Uuid> {
        self.claim().pipeline_execution_id()
    }

    /// The name by which the task found its handler.
    #[must_use]
    pub fn task_name(&self) -> &str {
        self.claim().task_name()
    }

    /// Which attempt this is, from 1; attempts that were given back do not count.
    #[must_use]
    pub fn attempt(&self) -> i32 {
        self.claim().attempt()
    }

    /// How often the task was claimed, this time included. It never goes back, so the larger one is the newer: a fence
    /// for systems outside the database.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.claim().epoch()
    }

    /// Which trace the task was made in; `None` if none was given.
    #[must_use]
    pub fn trace_context(&self) -> Option<&TraceContext> {
        self.claim().trace_context()
    }

    /// What the tasks that this one waited for completed with, in the order of their ids; empty if it waited for none.
    ///
    /// # Errors
    ///
    /// Those of the connection and the database, as something to try again.
    pub async fn dependency_outputs(&self) -> Result<Vec<DependencyOutput>, TaskError> {
        let id = self.task_execution_id();
        Ok(self.0.dal.task_execution().dependency_outputs(id).await?)
    }

    /// Fires when the attempt should come to its end: the task was cancelled or taken away, the executor cannot renew
    /// its lease, or it stops and the grace period is over. A sixth of the lease later the attempt is dropped.
    ///
    /// An error that is returned after that gives the task back, and the attempt does not count.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.0.token
    }

    /// Completes the task in one transaction with what the closure writes: both are there afterwards, or neither. Its
    /// answer is the task's output. What the handler returns after that changes nothing.
    ///
    /// If the task was taken away meanwhile, nothing is written and this is an error; so the effects of a closure are
    /// there exactly once, however often the task runs. On an error that leaves open what became of the commit, the
    /// record decides: a task that is completed is not tried again.
    ///
    /// The closure is run once, and last of all it should return: the pipeline's row is locked from then to the commit.
    ///
    /// ```
    /// use taskbox_executor::{TaskContext, TaskError};
    /// use taskbox_models::NewTaskExecution;
    ///
    /// async fn order(ctx: TaskContext, item: String) -> Result<String, TaskError> {
    ///     ctx.complete_in(async |tx| {
    ///         // … the program's own statements, by `tx.postgres()?` or `tx.sqlite()?`, and any of Taskbox's
    ///         let mail = tx.task_execution().create(NewTaskExecution::standalone("mail")).await?;
    ///         tx.task_execution().mark_ready(mail.id).await?;
    ///         Ok(format!("ordered {item}"))
    ///     })
    ///     .await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// What the closure returned, and what [`DAL::transaction`] answers with.
    #[expect(
        clippy::manual_async_fn,
        reason = "as an `async fn` its future cannot be proved `Send`: rust-lang/rust#100013"
    )]
    pub fn complete_in<F, O>(&self, closure: F) -> impl Future<Output = Result<O, TaskError>> + Send
    where
        F: for<'r, 'c> Closure<&'r mut Tx<'c>, Result<O, TaskError>, Future: Send> + Send,
        O: Serialize + Send + Sync,
    {
        async move {
            let claim = self.claim();
            let completed = self.0.dal.transaction(async move |tx: &mut Tx<'_>| {
                let output = closure(tx).await?;
                let value = to_value(&output)?;
                tx.task_execution().complete(claim, value).await?;
                Ok::<_, TaskError>(output)
            });
            let output = completed.await?;
            self.0.completed.store(true, Ordering::Release);
            Ok(output)
        }
    }

    pub(crate) fn claim(&self) -> &Claim {
        &self.0.claim
    }

    pub(crate) fn input(&self) -> Option<&Value> {
        self.claim().input()
    }

    /// Whether [`complete_in`](Self::complete_in) has written how the task ended.
    pub(crate) fn is_completed(&self) -> bool {
        self.0.completed.load(Ordering::Acquire)
    }

    pub(crate) fn into_claim(self) -> Claim {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => inner.claim,
            Err(shared) => shared.claim.clone(),
        }
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskContext").field(self.claim()).finish()
    }
}
