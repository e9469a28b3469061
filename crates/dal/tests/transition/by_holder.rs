//! What only the holder of a task's claim may do.

use taskbox_dal::{DAL, Error, Tx};
use taskbox_models::{Claim, Conflict, NewTaskExecution, Outcome, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    support::{
        connect::connect, ending::Ending, pipeline::pipeline, refusal::assert_refused, run::run,
    },
    walk::Start,
};

taskbox_test_support::suite! {
    complete_walks_its_arrow_and_no_others,
    complete_many_walks_its_arrow_and_no_others,
    fail_walks_its_arrow_and_no_others,
    a_retry_later_walks_its_arrow_and_no_others,
    a_retry_at_once_walks_its_arrow_and_no_others,
    a_retry_without_attempts_left_walks_its_arrow_and_no_others,
    defer_walks_its_arrow_and_no_others,
    release_walks_its_arrow_and_no_others,
}

async fn complete_walks_its_arrow_and_no_others(db: &TestDatabase) {
    walk(db, Ending::Complete).await;
}

async fn complete_many_walks_its_arrow_and_no_others(db: &TestDatabase) {
    walk(db, Ending::CompleteMany).await;
}

async fn fail_walks_its_arrow_and_no_others(db: &TestDatabase) {
    walk(db, Ending::Fail).await;
}

async fn a_retry_later_walks_its_arrow_and_no_others(db: &TestDatabase) {
    walk(db, Ending::RetryLater).await;
}

async fn a_retry_at_once_walks_its_arrow_and_no_others(db: &TestDatabase) {
    walk(db, Ending::RetryAtOnce).await;
}

async fn a_retry_without_attempts_left_walks_its_arrow_and_no_others(db: &TestDatabase) {
    walk(db, Ending::RetryNoMore).await;
}

async fn defer_walks_its_arrow_and_no_others(db: &TestDatabase) {
    walk(db, Ending::Defer).await;
}

async fn release_walks_its_arrow_and_no_others(db: &TestDatabase) {
    walk(db, Ending::Release).await;
}

/// From every status, for a task of its own and for one of a pipeline.
async fn walk(db: &TestDatabase, ending: Ending) {
    let dal = connect(db).await;
    for status in TaskStatus::ALL.iter().copied() {
        for pipeline in [None, Some(pipeline(&dal).await)] {
            let mut new = NewTaskExecution::standalone("a").max_attempts(ending.max_attempts());
            new.pipeline_execution_id = pipeline;
            let claim = claim_of_task_in(&dal, new, status).await;
            if status == TaskStatus::Running {
                moves(db, &dal, ending, &claim).await;
            } else {
                let error = lost(ending, claim.task_execution_id(), status);
                assert_refused(db, ending.on(&dal, &claim), error).await;
            }
        }
    }
}

async fn moves(db: &TestDatabase, dal: &DAL, ending: Ending, claim: &Claim) {
    let start = Start::of(dal, claim.task_execution_id()).await;
    ending.on(dal, claim).await.unwrap();
    start
        .assert_led(db, dal, outcome(ending), claim.worker_id())
        .await;
}

fn outcome(ending: Ending) -> &'static Outcome {
    let mut outcomes = ending.transition().rule().outcomes.iter();
    outcomes.find(|outcome| outcome.to == ending.to()).unwrap()
}

fn lost(ending: Ending, task: Uuid, found: TaskStatus) -> Error {
    match ending {
        Ending::CompleteMany => Error::Conflict(Conflict {
            task,
            expected: vec![TaskStatus::Running],
            found: Some(found),
        }),
        _ => Error::LeaseLost {
            what: "task",
            id: task,
        },
    }
}

/// The claim of a task which went to this status from there; its worker lives.
async fn claim_of_task_in(dal: &DAL, new: NewTaskExecution, status: TaskStatus) -> Claim {
    if matches!(status, TaskStatus::NotStarted | TaskStatus::Skipped) {
        let claim = claim_rolled_back(dal, new).await;
        if status == TaskStatus::Skipped {
            let task = claim.task_execution_id();
            dal.task_execution().skip(task, "").await.unwrap();
        }
        return claim;
    }
    let (_, claim) = run(dal, new).await;
    let tasks = dal.task_execution();
    match status {
        TaskStatus::Scheduled => Ending::Defer.on(dal, &claim).await,
        TaskStatus::Ready => Ending::Release.on(dal, &claim).await,
        TaskStatus::Completed => Ending::Complete.on(dal, &claim).await,
        TaskStatus::Failed => Ending::Fail.on(dal, &claim).await,
        TaskStatus::Cancelled => tasks.cancel(claim.task_execution_id()).await,
        _ => Ok(()),
    }
    .unwrap();
    claim
}

/// No task that was claimed is `NotStarted` or `Skipped`, but for one whose claim was not committed.
async fn claim_rolled_back(dal: &DAL, new: NewTaskExecution) -> Claim {
    let task = dal.task_execution().create(new).await.unwrap().id;
    let worker = dal.worker().register("w").await.unwrap();
    let mut claims = Vec::new();
    let rolled_back = dal
        .transaction(async |tx: &mut Tx<'_>| {
            tx.task_execution().mark_ready(task).await?;
            claims = tx.task_execution().claim(&worker, 100).await?;
            tx.task_execution().get(Uuid::nil()).await.map(drop)
        })
        .await;
    assert!(matches!(rolled_back, Err(Error::NotFound { .. })));
    let of_task = |claim: &Claim| claim.task_execution_id() == task;
    claims.into_iter().find(of_task).unwrap()
}
