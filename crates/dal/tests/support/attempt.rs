//! Every call of workers, each with something to do that touches as many tables as it ever does.

use std::time::Duration;

use serde_json::json;
use taskbox_dal::{DAL, Result, Tx};
use taskbox_models::{Claim, NewPipelineExecution, NewTaskExecution, RunWhen, Worker};
use taskbox_test_support::{TestDatabase, canary::PAYLOAD};
use uuid::Uuid;

use super::prepared::Operation;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Register,
    /// Of a worker that is told what it lost.
    Heartbeat,
    /// Of a worker that holds two tasks.
    Deregister,
    /// Of a ready task and one that is due.
    Claim,
    /// The last of a pipeline.
    Complete,
    /// One for which others wait.
    CompleteOneOfAGraph,
    /// Of two pipelines, and one that another ended.
    CompleteMany,
    /// The same.
    FailMany,
    /// The same.
    RetryMany,
    /// The same.
    DeferMany,
    /// The same.
    ReleaseMany,
    /// One for which others wait, of which some need it to complete.
    FailOneOfAGraph,
    RetryLater,
    RetryAtOnce,
    /// The last attempt of the last task of a pipeline.
    RetryNoMore,
    Defer,
    Release,
    /// A running task, whose worker is told.
    Cancel,
    /// A task that is ready again, and one that is not.
    Recover,
    /// The only task of a pipeline, which had failed.
    Redrive,
    /// After one that failed.
    CreateGraph,
}

#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pipeline: Uuid,
    worker: Worker,
    claims: Vec<Claim>,
}

/// The same call on a `DAL` and on a `Tx`.
macro_rules! call {
    ($attempt:expr, $door:expr, $subject:expr) => {{
        let (door, subject) = ($door, $subject);
        let Subject { worker, claims, .. } = subject;
        match $attempt {
            Attempt::Register => door.worker().register("new").await.map(drop),
            Attempt::Heartbeat => door.worker().heartbeat(worker).await.map(drop),
            Attempt::Deregister => door.worker().deregister(worker.clone()).await,
            Attempt::Claim => door.task_execution().claim(worker, 9).await.map(drop),
            Attempt::Complete | Attempt::CompleteOneOfAGraph => {
                let output = Some(json!({PAYLOAD: [PAYLOAD]}));
                door.task_execution().complete(&claims[0], output).await
            }
            Attempt::CompleteMany => {
                let batch = each(claims, |claim| (claim, None));
                let moved = door.task_execution().complete_many(&batch).await;
                moved.map(drop)
            }
            Attempt::FailMany => {
                let batch = each(claims, |claim| (claim, PAYLOAD.to_owned()));
                door.task_execution().fail_many(&batch).await.map(drop)
            }
            Attempt::RetryMany => {
                let batch = each(claims, |claim| (claim, PAYLOAD.to_owned(), HOUR));
                let moved = door.task_execution().schedule_retry_many(&batch).await;
                moved.map(drop)
            }
            Attempt::DeferMany => {
                let batch = each(claims, |claim| (claim, HOUR));
                door.task_execution().defer_many(&batch).await.map(drop)
            }
            Attempt::ReleaseMany => door.task_execution().release_many(claims).await.map(drop),
            Attempt::FailOneOfAGraph => door.task_execution().fail(&claims[0], PAYLOAD).await,
            Attempt::RetryLater => retry(door.task_execution(), &claims[0], HOUR).await,
            Attempt::RetryAtOnce | Attempt::RetryNoMore => {
                retry(door.task_execution(), &claims[0], Duration::ZERO).await
            }
            Attempt::Defer => door.task_execution().defer(&claims[0], HOUR).await,
            Attempt::Release => door.task_execution().release(&claims[0]).await,
            Attempt::Cancel => {
                let task = claims[0].task_execution_id();
                door.task_execution().cancel(task).await
            }
            Attempt::Recover => door.task_execution().recover_expired(9).await.map(drop),
            Attempt::Redrive => {
                let task = claims[0].task_execution_id();
                door.task_execution().redrive(task).await
            }
            Attempt::CreateGraph => {
                let new = subject.graph();
                door.task_execution().create_many(new).await.map(drop)
            }
        }
    }};
}

const HOUR: Duration = Duration::from_hours(1);

fn each<T>(claims: &[Claim], end: impl Fn(Claim) -> T) -> Vec<T> {
    claims.iter().cloned().map(end).collect()
}

async fn retry<D: taskbox_dal::Door>(
    tasks: taskbox_dal::TaskExecutionDAL<D>,
    claim: &Claim,
    delay: Duration,
) -> Result<()> {
    tasks.schedule_retry(claim, PAYLOAD, delay).await
}

impl Operation for Attempt {
    type Subject = Subject;

    async fn on(self, dal: &DAL, subject: &Subject) -> Result<()> {
        call!(self, dal, subject)
    }

    async fn within(self, tx: &mut Tx<'_>, subject: &Subject) -> Result<()> {
        call!(self, tx, subject)
    }

    async fn prepare(self, db: &TestDatabase, dal: &DAL) -> Subject {
        clear(db, dal).await;
        let pipeline = pipeline(dal).await;
        let attempts = if matches!(self, Self::RetryNoMore) {
            1
        } else {
            5
        };
        let first = NewTaskExecution::new(pipeline, "t")
            .input(PAYLOAD)
            .max_attempts(attempts);
        make_ready(dal, first).await;
        if matches!(self, Self::Recover) {
            doom(db, dal).await;
        }
        if self.is_of_many() {
            let other = self::pipeline(dal).await;
            make_ready(dal, NewTaskExecution::new(other, "t")).await;
            make_ready(dal, NewTaskExecution::standalone("t").input(PAYLOAD)).await;
        }
        let mut subject = Subject {
            pipeline,
            worker: dal.worker().register("w").await.unwrap(),
            claims: Vec::new(),
        };
        if !matches!(self, Self::Claim) {
            subject.claims = dal
                .task_execution()
                .claim(&subject.worker, 9)
                .await
                .unwrap();
        }
        self.prepare_claims(db, dal, &subject).await;
        subject
    }
}

impl Attempt {
    fn is_of_many(self) -> bool {
        use Attempt::{
            CompleteMany, DeferMany, Deregister, FailMany, Recover, ReleaseMany, RetryMany,
        };

        let batches = [CompleteMany, FailMany, RetryMany, DeferMany, ReleaseMany];
        batches.contains(&self) || matches!(self, Deregister | Recover)
    }

    /// Brings what the worker holds to where the operation finds it.
    async fn prepare_claims(self, db: &TestDatabase, dal: &DAL, subject: &Subject) {
        let tasks = || dal.task_execution();
        match self {
            Self::Claim => {
                let new = NewTaskExecution::standalone("due");
                let due = tasks().create(new).await.unwrap().id;
                tasks().schedule(due, Duration::ZERO).await.unwrap();
            }
            Self::Heartbeat => {
                let task = subject.claims[0].task_execution_id();
                tasks().cancel(task).await.unwrap();
            }
            Self::CompleteMany
            | Self::FailMany
            | Self::RetryMany
            | Self::DeferMany
            | Self::ReleaseMany => tasks().release(&subject.claims[2]).await.unwrap(),
            Self::CompleteOneOfAGraph | Self::FailOneOfAGraph => {
                tasks().create_many(subject.graph()).await.unwrap();
            }
            Self::Recover => {
                expire(db).await;
            }
            Self::Redrive | Self::CreateGraph => {
                tasks().fail(&subject.claims[0], PAYLOAD).await.unwrap();
            }
            _ => {}
        }
    }
}

impl Subject {
    /// Tasks that wait for the one that the worker had: one needs it to complete, one needs that one, and one runs
    /// after any end.
    fn graph(&self) -> Vec<NewTaskExecution> {
        let held = self.claims[0].task_execution_id();
        let new = |after: &[Uuid]| {
            NewTaskExecution::new(self.pipeline, "t")
                .input(PAYLOAD)
                .id(Uuid::now_v7())
                .after(after)
        };
        let strict = new(&[held]);
        let next = new(&[strict.id.unwrap()]);
        let lenient = new(&[held]).run_when(RunWhen::AllDone);
        vec![strict, next, lenient]
    }
}

async fn expire(db: &TestDatabase) {
    db.execute("UPDATE task_workers SET lease_expires_at = registered_at")
        .await;
}

/// Takes the only ready task back as often as it may be.
async fn doom(db: &TestDatabase, dal: &DAL) {
    for _ in 0..3 {
        let worker = dal.worker().register("w").await.unwrap();
        let claims = dal.task_execution().claim(&worker, 1).await.unwrap();
        expire(db).await;
        let back = dal.task_execution().recover_expired(1).await.unwrap();
        assert_eq!(back.recovered, [claims[0].task_execution_id()]);
    }
}

/// Ends whatever an earlier operation left, so that nobody claims it or takes it back.
async fn clear(db: &TestDatabase, dal: &DAL) {
    expire(db).await;
    let all = i64::MAX;
    let _ = dal.task_execution().recover_expired(all).await.unwrap();
    // What waits for a task is ready when that is cancelled.
    loop {
        let rows = dal.task_outbox().list_pending(all).await.unwrap();
        if rows.is_empty() {
            return;
        }
        for row in rows {
            let task = row.task_execution_id;
            dal.task_execution().cancel(task).await.unwrap();
        }
    }
}

async fn pipeline(dal: &DAL) -> Uuid {
    let new = NewPipelineExecution::new("a");
    dal.pipeline_execution().create(new).await.unwrap().id
}

async fn make_ready(dal: &DAL, new: NewTaskExecution) {
    let task = dal.task_execution().create(new).await.unwrap().id;
    dal.task_execution().mark_ready(task).await.unwrap();
}
