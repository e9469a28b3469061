//! Every operation that writes, each with a task and a pipeline that it can be run on.

use std::time::Duration;

use taskbox_dal::{DAL, Result, Tx};
use taskbox_models::{NewPipelineExecution, NewTaskExecution, NewTaskOutbox, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use super::lifecycle::task_in;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Cancel(TaskStatus),
    /// Two tasks at once, in a pipeline that had ended and is reopened.
    Create,
    CreatePipeline,
    DeleteStaleRow,
    MarkReady(TaskStatus),
    /// `task_outbox().create`
    Publish,
    Schedule,
    Skip,
}

pub(crate) const OPERATIONS: [Operation; 11] = [
    Operation::Cancel(TaskStatus::Ready),
    Operation::Cancel(TaskStatus::Running),
    Operation::Cancel(TaskStatus::Scheduled),
    Operation::Create,
    Operation::CreatePipeline,
    Operation::DeleteStaleRow,
    Operation::MarkReady(TaskStatus::NotStarted),
    Operation::MarkReady(TaskStatus::Scheduled),
    Operation::Publish,
    Operation::Schedule,
    Operation::Skip,
];

/// A task, alone in its pipeline, so that what moves it moves the pipeline as well.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    pipeline: Uuid,
    task: Uuid,
}

impl Operation {
    /// Makes what the operation can be run on.
    pub(crate) async fn prepare(self, db: &TestDatabase, dal: &DAL) -> Subject {
        let new = NewPipelineExecution::new("import");
        let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
        let task = task_in(db, dal, Some(pipeline), self.status()).await;
        let id = db.uuid_literal(task);
        match self {
            Self::DeleteStaleRow => {
                let sql = format!("INSERT INTO task_outbox (task_execution_id) VALUES ({id})");
                db.execute(&sql).await;
            }
            Self::Publish => {
                let sql = format!("DELETE FROM task_outbox WHERE task_execution_id = {id}");
                db.execute(&sql).await;
            }
            _ => {}
        }
        Subject { pipeline, task }
    }

    fn status(self) -> TaskStatus {
        match self {
            Self::Cancel(status) | Self::MarkReady(status) => status,
            Self::Create => TaskStatus::Completed,
            Self::Publish => TaskStatus::Ready,
            Self::CreatePipeline | Self::DeleteStaleRow | Self::Schedule | Self::Skip => {
                TaskStatus::NotStarted
            }
        }
    }

    /// The tables that it changes.
    pub(crate) fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Cancel(TaskStatus::Ready) | Self::MarkReady(TaskStatus::NotStarted) => &[
                "execution_events",
                "pipeline_executions",
                "task_executions",
                "task_outbox",
            ],
            Self::Cancel(TaskStatus::Running) => &[
                "execution_events",
                "pipeline_executions",
                "task_claims",
                "task_executions",
            ],
            Self::Cancel(_) | Self::Schedule => &[
                "execution_events",
                "pipeline_executions",
                "task_executions",
                "task_schedule",
            ],
            Self::Create | Self::Skip => {
                &["execution_events", "pipeline_executions", "task_executions"]
            }
            Self::CreatePipeline => &["execution_events", "pipeline_executions"],
            Self::DeleteStaleRow | Self::Publish => &["task_outbox"],
            Self::MarkReady(_) => &[
                "execution_events",
                "task_executions",
                "task_outbox",
                "task_schedule",
            ],
        }
    }

    pub(crate) async fn run(self, tx: &mut Tx<'_>, subject: Subject) -> Result<()> {
        let Subject { pipeline, task } = subject;
        match self {
            Self::Cancel(_) => tx.task_execution().cancel(task).await,
            Self::Create => {
                let new = vec![NewTaskExecution::new(pipeline, "more"); 2];
                tx.task_execution().create_many(new).await.map(drop)
            }
            Self::CreatePipeline => {
                let new = NewPipelineExecution::new("another");
                tx.pipeline_execution().create(new).await.map(drop)
            }
            Self::DeleteStaleRow => tx.task_outbox().delete_by_task(task).await.map(drop),
            Self::MarkReady(_) => tx.task_execution().mark_ready(task).await,
            Self::Publish => {
                let row = NewTaskOutbox {
                    task_execution_id: task,
                };
                tx.task_outbox().create(row).await.map(drop)
            }
            Self::Schedule => {
                let delay = Duration::from_mins(1);
                tx.task_execution().schedule(task, delay).await
            }
            Self::Skip => tx.task_execution().skip(task, "not needed").await,
        }
    }
}
