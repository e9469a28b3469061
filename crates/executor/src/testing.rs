//! For the tests of programs: a database of their own, and executors that run until nothing is left to do.
//!
//! Needs the feature `testing`.
//!
//! ```
//! use taskbox_executor::{TaskContext, TaskError, testing::TestDatabase};
//! use taskbox_models::{EventType, NewTaskExecution, TaskStatus};
//!
//! // The code of the program.
//! async fn greet(ctx: TaskContext, name: String) -> Result<String, TaskError> {
//!     if ctx.attempt() == 1 {
//!         return Err(TaskError::retry("nobody is at home"));
//!     }
//!     Ok(format!("hello, {name}"))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let test = TestDatabase::new().await?;
//!     let executor = test.executor().task("greet", greet);
//!     let task = NewTaskExecution::standalone("greet").input("Ada");
//!     let task = test.run_task(executor, task).await?;
//!     assert_eq!(task.status, TaskStatus::Completed);
//!     assert_eq!(task.output, Some("hello, Ada".into()));
//!
//!     let history = test.dal().execution_event().list_by_task(task.id).await?;
//!     let retries = history.iter().filter(|event| event.event_type == EventType::TaskRetryScheduled);
//!     assert_eq!(retries.count(), 1);
//!     Ok(())
//! }
//! ```

use std::{io, time::Duration};

use taskbox_dal::{DAL, Tx};
use taskbox_models::{NewTaskExecution, TaskExecution};
use tempfile::TempDir;

use crate::{Executor, ExecutorBuilder, RetryPolicy, time::pause};

/// How long to wait between two looks whether anything is left to do.
const LOOK: Duration = Duration::from_millis(5);

/// Why a test could not be set up or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestError {
    /// The folder of the database could not be made.
    #[error("cannot make a folder for the database of the test: {0}")]
    Folder(#[from] io::Error),
    /// What the database says.
    #[error(transparent)]
    Database(#[from] taskbox_dal::Error),
    /// What the executor says.
    #[error(transparent)]
    Executor(#[from] crate::Error),
}

/// A database for one test: a `SQLite` file in a folder of its own, which is removed with it.
#[derive(Debug)]
pub struct TestDatabase {
    dal: DAL,
    _folder: TempDir,
}

impl TestDatabase {
    /// An empty database with all tables.
    ///
    /// # Errors
    ///
    /// [`TestError::Folder`] if the folder cannot be made, and [`TestError::Database`].
    pub async fn new() -> Result<Self, TestError> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("tasks.db");
        let dal = DAL::connect(format!("sqlite://{}", file.display())).await?;
        dal.migrate().await?;
        Ok(Self {
            dal,
            _folder: folder,
        })
    }

    /// The handle to the database.
    #[must_use]
    pub fn dal(&self) -> &DAL {
        &self.dal
    }

    /// Settings for an executor of this database that does not keep a test waiting: an attempt that failed is tried
    /// again at once, and a stop interrupts what runs.
    pub fn executor(&self) -> ExecutorBuilder {
        Executor::builder(self.dal.clone())
            .poll_interval(LOOK)
            .retry(RetryPolicy::constant(Duration::ZERO))
            .grace_period(Duration::ZERO)
    }

    /// Makes a task, readies it unless it waits for others, [drains](Self::run_until_drained) the database, and answers
    /// with what became of the task.
    ///
    /// # Errors
    ///
    /// As [`run_until_drained`](Self::run_until_drained).
    pub async fn run_task(
        &self,
        executor: ExecutorBuilder,
        task: NewTaskExecution,
    ) -> Result<TaskExecution, TestError> {
        let waits = !task.after.is_empty();
        let task = self.dal.task_execution().create(task).await?;
        if !waits {
            self.dal.task_execution().mark_ready(task.id).await?;
        }
        self.run_until_drained(executor).await?;
        Ok(self.dal.task_execution().get(task.id).await?)
    }

    /// Runs tasks until none is ready, due or running, and then stops.
    ///
    /// What waits for a later time is left, and so is what a paused pipeline holds back, and what nobody has made ready.
    /// A task that never ends keeps it from returning: give the test a time limit.
    ///
    /// # Errors
    ///
    /// [`TestError::Executor`] if the executor cannot be built or stopped, and [`TestError::Database`].
    pub async fn run_until_drained(&self, executor: ExecutorBuilder) -> Result<(), TestError> {
        let executor = executor.build()?.start();
        while !self.is_drained().await? {
            pause(LOOK).await;
        }
        Ok(executor.stop().await?)
    }

    /// In one transaction, since tasks go from one table to the other.
    async fn is_drained(&self) -> Result<bool, TestError> {
        let (live, depths) = self
            .dal
            .transaction(async |tx: &mut Tx<'_>| {
                let live = tx.task_execution().count_live().await?;
                Ok::<_, TestError>((live, tx.task_outbox().depths().await?))
            })
            .await?;
        let is_empty = depths.iter().all(|queue| queue.ready == 0);
        Ok(is_empty && live.running == 0 && live.due == 0)
    }
}
