//! Every call that writes, each with something to do that touches as many tables as it ever does.

use std::time::Duration;

use chrono::{DateTime, Utc};
use taskbox_dal::{DAL, Invariant, Result, Tx};
use taskbox_models::{LiveTable, NewPipelineExecution, NewTaskExecution, NewTaskOutbox};
use taskbox_test_support::{Backend, TestDatabase, canary::PAYLOAD};
use uuid::Uuid;

use super::prepared;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    CreatePipeline,
    /// Two tasks, one of them in a pipeline that had completed.
    CreateTasks,
    /// The first of a pipeline.
    MarkReady,
    /// With a row that other software left in the outbox.
    MarkReadyAgain,
    /// A new task and a scheduled one.
    MarkReadyMany,
    Schedule,
    /// The last of a pipeline.
    Skip,
    /// The last of a pipeline, which is ready.
    Cancel,
    /// The last of a pipeline, which is scheduled.
    CancelScheduled,
    CreateRow,
    DeleteRow,
    DeleteRowByTask,
    DeleteOldRows,
    DeleteOldEvents,
    /// With a task that is ready.
    PausePipeline,
    /// With a task that is ready.
    ResumePipeline,
    /// With a task that is ready.
    CancelPipeline,
    /// Without a task.
    CancelEmptyPipeline,
    /// A pipeline and a task of its own, which have ended.
    Prune,
    /// A ready task that is not in the outbox.
    Mend,
    /// On Postgres, where events have what a server calls its own.
    AdoptEvents,
}

/// What an operation is done to, or what it is to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pipeline: Uuid,
    task: Uuid,
    other: Uuid,
    row: i64,
}

/// The same call on a `DAL` and on a `Tx`.
macro_rules! call {
    ($operation:expr, $door:expr, $subject:expr) => {{
        let (door, subject) = ($door, $subject);
        let Subject {
            pipeline,
            task,
            other,
            row,
        } = *subject;
        match $operation {
            Operation::CreatePipeline => {
                let new = NewPipelineExecution::new("a").id(pipeline);
                door.pipeline_execution().create(new).await.map(drop)
            }
            Operation::CreateTasks => {
                let in_pipeline = NewTaskExecution::new(pipeline, "t").id(task).input(PAYLOAD);
                let new = vec![in_pipeline, NewTaskExecution::standalone("t").id(other)];
                door.task_execution().create_many(new).await.map(drop)
            }
            Operation::MarkReady | Operation::MarkReadyAgain => {
                door.task_execution().mark_ready(task).await
            }
            Operation::MarkReadyMany => {
                let moved = door.task_execution().mark_ready_many(&[task, other]).await;
                moved.map(drop)
            }
            Operation::Schedule => door.task_execution().schedule(task, HOUR).await,
            Operation::Skip => door.task_execution().skip(task, PAYLOAD).await,
            Operation::Cancel | Operation::CancelScheduled => {
                door.task_execution().cancel(task).await
            }
            Operation::CreateRow => {
                let new = NewTaskOutbox {
                    task_execution_id: task,
                };
                door.task_outbox().create(new).await.map(drop)
            }
            Operation::DeleteRow => door.task_outbox().delete(row).await.map(drop),
            Operation::DeleteRowByTask => door.task_outbox().delete_by_task(task).await.map(drop),
            Operation::DeleteOldRows => door
                .task_outbox()
                .delete_older_than(long_ago(1))
                .await
                .map(drop),
            Operation::DeleteOldEvents => door
                .execution_event()
                .delete_older_than(long_ago(1))
                .await
                .map(drop),
            Operation::PausePipeline => door.pipeline_execution().pause(pipeline, PAYLOAD).await,
            Operation::ResumePipeline => door.pipeline_execution().resume(pipeline).await,
            Operation::CancelPipeline | Operation::CancelEmptyPipeline => {
                door.pipeline_execution().cancel(pipeline).await
            }
            Operation::Prune => door
                .execution_event()
                .prune(Duration::ZERO, 0, 99)
                .await
                .map(drop),
            Operation::Mend => door.doctor().mend(NO_ROW, &[task]).await.map(drop),
            Operation::AdoptEvents => door.doctor().adopt_events(99).await.map(drop),
        }
    }};
}

const HOUR: Duration = Duration::from_hours(1);
const NO_ROW: Invariant = Invariant::RowOfEachTask(LiveTable::Outbox);

impl prepared::Operation for Operation {
    type Subject = Subject;

    async fn on(self, dal: &DAL, subject: &Subject) -> Result<()> {
        call!(self, dal, subject)
    }

    async fn within(self, tx: &mut Tx<'_>, subject: &Subject) -> Result<()> {
        call!(self, tx, subject)
    }

    async fn prepare(self, db: &TestDatabase, dal: &DAL) -> Subject {
        let mut subject = Subject {
            pipeline: Uuid::now_v7(),
            task: Uuid::now_v7(),
            other: Uuid::now_v7(),
            row: 0,
        };
        if matches!(self, Self::CreatePipeline) {
            return subject;
        }
        let new = NewPipelineExecution::new("a").id(subject.pipeline);
        dal.pipeline_execution().create(new).await.unwrap();
        if matches!(self, Self::CancelEmptyPipeline) {
            return subject;
        }
        if matches!(self, Self::CreateTasks) {
            let new = NewTaskExecution::new(subject.pipeline, "t");
            let first = dal.task_execution().create(new).await.unwrap().id;
            dal.task_execution().skip(first, "").await.unwrap();
            return subject;
        }
        let new = vec![
            NewTaskExecution::new(subject.pipeline, "t")
                .id(subject.task)
                .input(PAYLOAD),
            NewTaskExecution::standalone("t").id(subject.other),
        ];
        dal.task_execution().create_many(new).await.unwrap();
        subject.row = self.prepare_task(db, dal, &subject).await;
        subject
    }
}

impl Operation {
    /// Brings the tasks to where the operation finds them; answers with the row that is to be deleted, if any.
    async fn prepare_task(self, db: &TestDatabase, dal: &DAL, subject: &Subject) -> i64 {
        let Subject { task, other, .. } = *subject;
        let tasks = || dal.task_execution();
        match self {
            Self::MarkReadyMany => tasks().schedule(other, HOUR).await.unwrap(),
            Self::CancelScheduled => tasks().schedule(task, HOUR).await.unwrap(),
            Self::Cancel | Self::PausePipeline | Self::CancelPipeline => {
                tasks().mark_ready(task).await.unwrap();
            }
            Self::ResumePipeline => {
                tasks().mark_ready(task).await.unwrap();
                let pipelines = dal.pipeline_execution();
                pipelines.pause(subject.pipeline, PAYLOAD).await.unwrap();
            }
            Self::Prune => {
                tasks().skip(task, "").await.unwrap();
                tasks().skip(other, "").await.unwrap();
            }
            Self::CreateRow | Self::Mend => {
                tasks().mark_ready(task).await.unwrap();
                let id = db.uuid_literal(task);
                db.execute(&format!(
                    "DELETE FROM task_outbox WHERE task_execution_id = {id}"
                ))
                .await;
            }
            Self::MarkReadyAgain
            | Self::DeleteRow
            | Self::DeleteRowByTask
            | Self::DeleteOldRows => return leave_row(db, task).await,
            Self::DeleteOldEvents => leave_event(db).await,
            Self::AdoptEvents => {
                let foreign = "UPDATE execution_events SET transaction_id = 1000000000000000";
                db.execute(foreign).await;
            }
            Self::CreatePipeline
            | Self::CreateTasks
            | Self::CancelEmptyPipeline
            | Self::MarkReady
            | Self::Schedule
            | Self::Skip => {}
        }
        0
    }
}

/// Leaves an old row in the outbox, of a task that is not ready and has another priority.
async fn leave_row(db: &TestDatabase, task: Uuid) -> i64 {
    let (task, moment) = (db.uuid_literal(task), moment(db, long_ago(0)));
    db.execute(&format!(
        "INSERT INTO task_outbox (task_execution_id, created_at, priority) VALUES ({task}, {moment}, 7)"
    ))
    .await;
    db.query_i64("SELECT max(id) FROM task_outbox").await
}

/// Leaves an old event, of a task that is gone.
async fn leave_event(db: &TestDatabase) {
    let (task, moment) = (db.uuid_literal(Uuid::now_v7()), moment(db, long_ago(0)));
    db.execute(&format!(
        "INSERT INTO execution_events (task_execution_id, event_type, created_at)
VALUES ({task}, 'task_created', {moment})"
    ))
    .await;
}

/// So many days after the first of January 2020.
fn long_ago(days: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_577_836_800 + days * 86_400, 0).unwrap()
}

fn moment(db: &TestDatabase, moment: DateTime<Utc>) -> String {
    match db.backend() {
        Backend::Postgres => format!("'{}'", moment.to_rfc3339()),
        Backend::Sqlite => moment.timestamp_micros().to_string(),
    }
}
