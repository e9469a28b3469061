//! Pipelines that are paused, resumed or cancelled while somebody makes a call on a task of them, in both orders: as if
//! one had been made after the other.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::{Claim, NewTaskExecution, TaskStatus, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    end::{End, assert_whole, said},
    support::{
        call::Call,
        meeting::{Held, Way},
        scene::{connect, pipeline, ready, task_of},
    },
};

taskbox_test_support::suite! {
    both: [
        who_meets_a_pause_finds_the_pipeline_paused_or_is_found_by_it,
        who_meets_a_resumption_finds_the_pipeline_resumed_or_is_found_by_it,
        who_meets_a_cancellation_finds_the_pipeline_cancelled_or_is_found_by_it,
    ],
    postgres: [
        who_sees_the_tables_from_before_a_pause_is_right_or_refused,
        nobody_pauses_or_resumes_who_may_not_see_all_tasks,
        no_claim_waits_for_a_pipeline_that_is_being_paused,
    ],
}

/// What is done to the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    Pause,
    Resume,
    Cancel,
}

/// What is done to a task of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Cancel,
    Claim,
    Complete,
    Create,
    CreateAfter,
    CreateRow,
    Defer,
    Fail,
    MarkReady,
    Promote,
    Recover,
    Redrive,
    Release,
    Retry,
    Schedule,
    Skip,
}

impl Op {
    const ALL: [Self; 16] = [
        Self::Cancel,
        Self::Claim,
        Self::Complete,
        Self::Create,
        Self::CreateAfter,
        Self::CreateRow,
        Self::Defer,
        Self::Fail,
        Self::MarkReady,
        Self::Promote,
        Self::Recover,
        Self::Redrive,
        Self::Release,
        Self::Retry,
        Self::Schedule,
        Self::Skip,
    ];

    /// Where the task is before.
    fn from(self) -> TaskStatus {
        match self {
            Self::MarkReady | Self::Schedule | Self::Skip => TaskStatus::NotStarted,
            Self::Cancel | Self::Claim | Self::Create | Self::CreateRow => TaskStatus::Ready,
            Self::Promote => TaskStatus::Scheduled,
            Self::CreateAfter => TaskStatus::Completed,
            Self::Redrive => TaskStatus::Failed,
            Self::Complete
            | Self::Defer
            | Self::Fail
            | Self::Recover
            | Self::Release
            | Self::Retry => TaskStatus::Running,
        }
    }
}

/// A pipeline with a task, one that waits for it, and one that has not started.
struct Scene {
    pipeline: Uuid,
    task: Uuid,
    worker: Worker,
    claim: Option<Claim>,
}

impl Scene {
    async fn new(db: &TestDatabase, dal: &DAL, hand: Hand, op: Op) -> Self {
        let tasks = || dal.task_execution();
        let pipeline = pipeline(dal).await;
        let task = task_of(dal, pipeline).await;
        task_of(dal, pipeline).await;
        let dependent = NewTaskExecution::new(pipeline, "t").after(&[task]);
        tasks().create(dependent).await.unwrap();
        let worker = dal.worker().register("w").await.unwrap();
        let mut scene = Self {
            pipeline,
            task,
            worker,
            claim: None,
        };
        match op.from() {
            TaskStatus::NotStarted => {}
            TaskStatus::Scheduled => tasks().schedule(task, Duration::ZERO).await.unwrap(),
            TaskStatus::Ready => tasks().mark_ready(task).await.unwrap(),
            from => scene.run(dal, from).await,
        }
        if hand == Hand::Resume {
            Call::PausePipeline(pipeline).on(dal).await.unwrap();
        }
        if op == Op::Recover {
            Call::Expire.on(dal).await.unwrap();
        }
        if op == Op::CreateRow {
            db.execute("DELETE FROM task_outbox").await;
        }
        scene
    }

    /// Hands the task to the worker, and ends it there if that is where it is to be.
    async fn run(&mut self, dal: &DAL, to: TaskStatus) {
        let tasks = || dal.task_execution();
        tasks().mark_ready(self.task).await.unwrap();
        let claim = tasks().claim(&self.worker, 1).await.unwrap().pop().unwrap();
        match to {
            TaskStatus::Completed => tasks().complete(&claim, None).await.unwrap(),
            TaskStatus::Failed => tasks().fail(&claim, "broken").await.unwrap(),
            _ => {}
        }
        self.claim = Some(claim);
    }

    fn hand(&self, hand: Hand) -> Call {
        match hand {
            Hand::Pause => Call::PausePipeline(self.pipeline),
            Hand::Resume => Call::ResumePipeline(self.pipeline),
            Hand::Cancel => Call::CancelPipeline(self.pipeline),
        }
    }

    fn call(&self, op: Op) -> Call {
        let (task, worker) = (self.task, self.worker.clone());
        let claim = || self.claim.clone().unwrap();
        match op {
            Op::Cancel => Call::Cancel(task),
            Op::Claim | Op::Promote => Call::Claim(worker),
            Op::Complete => Call::Complete(claim()),
            Op::Create => Call::Create(self.pipeline),
            Op::CreateAfter => Call::CreateAfter(self.pipeline, task),
            Op::CreateRow => Call::CreateRow(task),
            Op::Defer => Call::Defer(claim()),
            Op::Fail => Call::Fail(claim()),
            Op::MarkReady => Call::MarkReady(task),
            Op::Recover => Call::Recover,
            Op::Redrive => Call::Redrive(task),
            Op::Release => Call::Release(claim()),
            Op::Retry => Call::Retry(claim()),
            Op::Schedule => Call::Schedule(task),
            Op::Skip => Call::Skip(task),
        }
    }

    async fn end(self, dal: &DAL, said: Vec<String>) -> End {
        End::of(dal, self.pipeline, self.worker, said).await
    }
}

/// The calls of a case, in their order.
fn calls(scene: &Scene, hand: Hand, op: Op, is_first: bool) -> [Call; 2] {
    let (hand, op) = (scene.hand(hand), scene.call(op));
    if is_first { [hand, op] } else { [op, hand] }
}

async fn meet_all(db: &TestDatabase, hand: Hand) {
    let (one, other) = (connect(db).await, connect(db).await);
    for op in Op::ALL {
        for is_first in [true, false] {
            let what = format!("{hand:?} and {op:?}, the pipeline first: {is_first}");
            let serial = one_by_one(db, &one, hand, op, is_first).await;
            let scene = Scene::new(db, &one, hand, op).await;
            let [first, second] = calls(&scene, hand, op, is_first);
            let held = Held::after(&one, first).await;
            let _ = other.faults().take_reached();
            let (way, answer) = held.meet(db, &other, second).await;
            assert_whole(db).await;
            let said = vec!["done".to_owned(), said(&answer)];
            let end = scene.end(&one, said).await;
            if way == Way::WentOn && end != serial {
                // It passed over what was held, as if it had come before.
                assert!(
                    matches!(op, Op::Claim | Op::Promote | Op::Recover),
                    "{what}"
                );
                let before = one_by_one(db, &one, hand, op, !is_first).await;
                assert_eq!(
                    (&end.pipeline, &end.said),
                    (&before.pipeline, &before.said),
                    "{what}"
                );
            } else {
                assert_eq!(end, serial, "{what}");
            }
        }
    }
}

async fn one_by_one(db: &TestDatabase, dal: &DAL, hand: Hand, op: Op, is_first: bool) -> End {
    let scene = Scene::new(db, dal, hand, op).await;
    let mut answers = Vec::new();
    for call in calls(&scene, hand, op, is_first) {
        answers.push(said(&call.on(dal).await));
    }
    scene.end(dal, answers).await
}

async fn who_meets_a_pause_finds_the_pipeline_paused_or_is_found_by_it(db: &TestDatabase) {
    meet_all(db, Hand::Pause).await;
}

async fn who_meets_a_resumption_finds_the_pipeline_resumed_or_is_found_by_it(db: &TestDatabase) {
    meet_all(db, Hand::Resume).await;
}

async fn who_meets_a_cancellation_finds_the_pipeline_cancelled_or_is_found_by_it(
    db: &TestDatabase,
) {
    meet_all(db, Hand::Cancel).await;
}

const LOOK: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT FROM task_executions";

/// Makes the first call while a transaction is open that has looked before, and the second in that.
async fn after_a_look(dal: &DAL, first: &Call, second: &Call) -> Result<()> {
    dal.transaction(async |tx: &mut Tx<'_>| {
        tx.postgres()?.batch_execute(LOOK).await?;
        first.on(dal).await?;
        second.within(tx).await
    })
    .await
}

async fn who_sees_the_tables_from_before_a_pause_is_right_or_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    for hand in [Hand::Pause, Hand::Resume, Hand::Cancel] {
        for op in Op::ALL {
            let serial = one_by_one(db, &dal, hand, op, true).await;
            let scene = Scene::new(db, &dal, hand, op).await;
            let answer = after_a_look(&dal, &scene.hand(hand), &scene.call(op)).await;
            if let Err(Error::Database(_)) = answer {
                // What is made for this call has no row yet.
                let _ = scene.call(Op::CreateRow).on(&dal).await;
                assert_whole(db).await;
                scene.end(&dal, Vec::new()).await;
                continue;
            }
            assert_whole(db).await;
            let said = vec!["done".to_owned(), said(&answer)];
            let end = scene.end(&dal, said).await;
            if matches!(op, Op::Claim | Op::Promote | Op::Recover) {
                // It may take nothing.
                assert_eq!(end.pipeline, serial.pipeline, "{hand:?}, then {op:?}");
            } else {
                assert_eq!(end, serial, "{hand:?}, then {op:?}");
            }
        }
    }
}

async fn nobody_pauses_or_resumes_who_may_not_see_all_tasks(db: &TestDatabase) {
    let dal = connect(db).await;
    for hand in [Hand::Pause, Hand::Resume] {
        let scene = Scene::new(db, &dal, hand, Op::MarkReady).await;
        let answer = after_a_look(&dal, &scene.call(Op::MarkReady), &scene.hand(hand)).await;
        let is_refused = matches!(
            &answer,
            Err(Error::InvalidInput {
                what: "the transaction",
                ..
            } | Error::Database(_))
        );
        assert!(is_refused, "{answer:?}");
        scene.end(&dal, Vec::new()).await;
    }
}

/// A task of it is due, and one of another pipeline is ready.
async fn no_claim_waits_for_a_pipeline_that_is_being_paused(db: &TestDatabase) {
    let dal = connect(db).await;
    let scene = Scene::new(db, &dal, Hand::Pause, Op::Promote).await;
    let other = pipeline(&dal).await;
    let tasks = ready(&dal, Some(other), 1).await;
    let held = Held::after(&dal, scene.hand(Hand::Pause)).await;
    let claims = dal.task_execution().claim(&scene.worker, 9).await.unwrap();
    let claimed: Vec<_> = claims.iter().map(Claim::task_execution_id).collect();
    assert_eq!(claimed, tasks);
    held.commit().await;
    let claims = dal.task_execution().claim(&scene.worker, 9).await.unwrap();
    assert_eq!(claims, []);
    let end = scene.end(&dal, Vec::new()).await;
    assert_eq!(end.tasks[0], TaskStatus::Ready);
}
