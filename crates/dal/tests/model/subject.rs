//! The DAL on one backend.

mod workers;

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use chrono::{DateTime, Utc};
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::{NewPipelineExecution, NewTaskExecution, NewTaskOutbox, TaskExecution};
use taskbox_test_support::{Backend, TestDatabase, canary::PAYLOAD};

use self::workers::{Known, on_dal as work_on_dal, on_tx as work_on_tx};
use crate::operation::{Answer, MAX_ATTEMPTS, MAX_RECOVERIES, NewTask, Operation, Step};

pub(crate) struct Subject {
    pub(crate) db: TestDatabase,
    pub(crate) dal: DAL,
    known: Mutex<Known>,
}

/// Why a transaction did not commit.
enum Stop {
    /// As it was meant to.
    RolledBack(Vec<Answer>),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Calls an operation through a door: `&DAL` or `&mut Tx`, whose accessors have the same methods and no trait.
macro_rules! call {
    ($door:expr, $operation:expr) => {
        match $operation {
            Operation::CreatePipeline(id) => {
                let new = NewPipelineExecution::new("p").id(*id);
                $door
                    .pipeline_execution()
                    .create(new)
                    .await
                    .map(|_| Answer::Done)
            }
            Operation::Create(new) => {
                let made = $door.task_execution().create(new.into()).await;
                made.map(|task| Answer::Made(vec![(task.id, task.status)]))
            }
            Operation::CreateMany(new) => {
                let new = new.iter().map(NewTaskExecution::from).collect();
                $door.task_execution().create_many(new).await.map(made)
            }
            Operation::MarkReady(task) => done($door.task_execution().mark_ready(*task).await),
            Operation::MarkReadyMany(tasks) => {
                let moved = $door.task_execution().mark_ready_many(tasks).await;
                moved.map(Answer::Moved)
            }
            Operation::Schedule(task) => {
                let delay = Duration::from_hours(1);
                done($door.task_execution().schedule(*task, delay).await)
            }
            Operation::Skip(task) => done($door.task_execution().skip(*task, PAYLOAD).await),
            Operation::Cancel(task) => done($door.task_execution().cancel(*task).await),
            Operation::OutboxCreate(task) => {
                let task_execution_id = *task;
                let row = NewTaskOutbox { task_execution_id };
                let row = $door.task_outbox().create(row).await;
                row.map(|row| Answer::Published(row.task_execution_id))
            }
            Operation::OutboxDelete(task) => {
                let rows = $door.task_outbox().list_pending(i64::MAX).await.unwrap();
                let row = rows.iter().find(|row| row.task_execution_id == *task);
                let id = row.map_or(-1, |row| row.id);
                deleted($door.task_outbox().delete(id).await)
            }
            Operation::OutboxDeleteByTask(task) => {
                deleted($door.task_outbox().delete_by_task(*task).await)
            }
            Operation::OutboxDeleteOlderThan(all) => {
                let cutoff = cutoff(*all);
                let count = $door.task_outbox().delete_older_than(cutoff).await;
                count.map(Answer::Deleted)
            }
            Operation::Redrive(task) => done($door.task_execution().redrive(*task).await),
            Operation::Work(_) => Ok(Answer::Nobody),
        }
    };
}

impl Subject {
    pub(crate) async fn new(backend: Backend) -> Self {
        let db = TestDatabase::create(backend).await;
        let dal = DAL::builder(db.url())
            .pool_size(1)
            .max_recoveries(MAX_RECOVERIES)
            .connect()
            .await
            .unwrap();
        let known = Mutex::default();
        Self { db, dal, known }
    }

    /// Empties the tables, which takes less time than to make a database anew.
    pub(crate) async fn clear(&self) {
        let sql = "DELETE FROM execution_events;
            DELETE FROM task_outbox;
            DELETE FROM task_schedule;
            DELETE FROM task_claims;
            DELETE FROM task_workers;
            DELETE FROM task_executions;
            DELETE FROM pipeline_executions";
        self.db.execute(sql).await;
        *self.known() = Known::default();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    /// The answers to the operations of the step.
    pub(crate) async fn run(&self, step: &Step) -> Vec<Answer> {
        match step {
            Step::Alone(operation) => return vec![self.on_dal(operation).await],
            Step::Together(operations, commits) => {
                return self.together(operations, *commits).await;
            }
            Step::Recover => return vec![self.recover().await],
            Step::LoseRow(task) => {
                let id = self.db.uuid_literal(*task);
                let sql = format!(
                    "DELETE FROM task_outbox WHERE task_execution_id IN (
                        SELECT id FROM task_executions WHERE id = {id} AND status = 'Ready')"
                );
                self.db.execute(&sql).await;
            }
            Step::LeaveRow(task) => {
                let id = self.db.uuid_literal(*task);
                let sql = format!(
                    "INSERT INTO task_outbox (task_execution_id) SELECT id FROM task_executions
                    WHERE id = {id} AND status IN ('Skipped', 'Cancelled') ON CONFLICT DO NOTHING"
                );
                self.db.execute(&sql).await;
            }
            Step::MakeDue => self.make_due().await,
            Step::Expire(slot) => self.expire(*slot).await,
        }
        Vec::new()
    }

    async fn together(&self, operations: &[Operation], commits: bool) -> Vec<Answer> {
        let known = self.known().clone();
        let result = self
            .dal
            .transaction(async |tx| {
                let mut answers = Vec::new();
                for operation in operations {
                    answers.push(self.on_tx(tx, operation).await);
                }
                if commits {
                    Ok(answers)
                } else {
                    Err(Stop::RolledBack(answers))
                }
            })
            .await;
        match result {
            Ok(answers) => answers,
            Err(Stop::RolledBack(answers)) => {
                *self.known() = known;
                answers
            }
            Err(Stop::Error(error)) => panic!("the transaction failed: {error}"),
        }
    }

    async fn on_dal(&self, operation: &Operation) -> Answer {
        if let Operation::Work(work) = operation {
            return work_on_dal(&self.dal, &self.known, work).await;
        }
        answer(call!(self.dal, operation))
    }

    async fn on_tx(&self, tx: &mut Tx<'_>, operation: &Operation) -> Answer {
        if let Operation::Work(work) = operation {
            return work_on_tx(tx, &self.known, work).await;
        }
        answer(call!(tx, operation))
    }
}

fn answer(result: Result<Answer>) -> Answer {
    match result {
        Ok(answer) => answer,
        Err(Error::NotFound { what, id }) => Answer::NotFound(what, id),
        Err(Error::Conflict(conflict)) => Answer::Conflict(conflict),
        Err(Error::PipelineClosed { pipeline, .. }) => Answer::PipelineClosed(pipeline),
        Err(Error::PipelineExists { pipeline }) => Answer::PipelineExists(pipeline),
        Err(Error::LeaseLost { what: "worker", .. }) => Answer::LeaseLost(None),
        Err(Error::LeaseLost { id, .. }) => Answer::LeaseLost(Some(id)),
        Err(Error::InvalidInput { what, .. }) => Answer::InvalidInput(what),
        Err(error) => panic!("no operation should answer with: {error}"),
    }
}

fn done(result: Result<()>) -> Result<Answer> {
    result.map(|()| Answer::Done)
}

fn deleted(result: Result<bool>) -> Result<Answer> {
    result.map(|deleted| Answer::Deleted(usize::from(deleted)))
}

#[expect(clippy::needless_pass_by_value, reason = "for `Result::map`")]
fn made(tasks: Vec<TaskExecution>) -> Answer {
    Answer::Made(tasks.iter().map(|task| (task.id, task.status)).collect())
}

fn cutoff(all: bool) -> DateTime<Utc> {
    let cutoff = if all {
        "2200-01-01T00:00:00Z"
    } else {
        "1970-01-01T00:00:00Z"
    };
    cutoff.parse().unwrap()
}

impl From<&NewTask> for NewTaskExecution {
    fn from(new: &NewTask) -> Self {
        let task = match new.pipeline {
            Some(pipeline) => Self::new(pipeline, "t"),
            None => Self::standalone("t"),
        };
        let task = task.max_attempts(MAX_ATTEMPTS);
        task.id(new.id).priority(new.priority).queue(new.queue)
    }
}
