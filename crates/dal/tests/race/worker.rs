//! Calls of workers that meet on a task or on a worker: some wait, and some pass over.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_models::{Claim, TaskStatus, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{
    call::Call,
    meeting::{Held, Waiting, meet},
    scene::{assert_lost, connect, expire, ready, standalone, status, working},
};

taskbox_test_support::suite! {
    postgres: [
        two_workers_never_claim_the_same_task,
        a_claim_passes_over_a_task_that_is_being_cancelled,
        a_cancel_finds_the_task_claimed_and_its_worker_is_told,
        a_task_that_is_due_is_made_ready_by_one_claim,
        a_claim_passes_over_a_due_task_that_is_being_made_ready,
        a_claim_finds_its_worker_gone,
        a_worker_that_goes_gives_back_what_it_claimed_meanwhile,
        a_claim_does_not_wait_for_a_heartbeat,
        a_recovery_leaves_a_worker_that_renews_its_lease,
        a_heartbeat_that_waited_for_a_cancel_tells_of_it,
        no_deadlock_of_a_cancel_and_a_worker_that_goes_reaches_a_caller,
        a_heartbeat_finds_its_worker_swept,
        a_recovery_passes_over_what_another_recovers,
        a_worker_that_goes_finds_everything_taken_back,
        a_cancel_finds_the_task_that_its_worker_gave_back,
    ],
}

async fn claimed(dal: &DAL, worker: &Worker) -> Vec<Uuid> {
    let claims = dal.task_execution().claim(worker, 9).await.unwrap();
    claims.iter().map(Claim::task_execution_id).collect()
}

async fn recovered(dal: &DAL) -> Vec<Uuid> {
    dal.task_execution()
        .recover_expired(9)
        .await
        .unwrap()
        .recovered
}

async fn two_workers_never_claim_the_same_task(db: &TestDatabase) {
    let dal = connect(db).await;
    let (one, other) = (
        working(&dal, None, 0).await.0,
        working(&dal, None, 0).await.0,
    );
    ready(&dal, None, 2).await;
    let held = Held::after(&dal, Call::Claim(one)).await;
    assert!(claimed(&dal, &other).await.is_empty());
    held.roll_back().await;
    assert_eq!(claimed(&dal, &other).await.len(), 2);
}

async fn a_claim_passes_over_a_task_that_is_being_cancelled(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = working(&dal, None, 0).await.0;
    let tasks = ready(&dal, None, 2).await;
    let held = Held::after(&dal, Call::Cancel(tasks[0])).await;
    assert_eq!(claimed(&dal, &worker).await, tasks[1..]);
    held.commit().await;
    assert!(claimed(&dal, &worker).await.is_empty());
}

async fn a_cancel_finds_the_task_claimed_and_its_worker_is_told(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = working(&dal, None, 0).await.0;
    let task = ready(&dal, None, 1).await[0];
    let cancel = Call::Cancel(task);
    meet(db, &dal, Call::Claim(worker.clone()), cancel)
        .await
        .unwrap();
    assert_eq!(status(&dal, task).await, TaskStatus::Cancelled);
    let beat = dal.worker().heartbeat(&worker).await.unwrap();
    assert_eq!(beat.cancelled, [task]);
}

/// A task whose time has come.
async fn due(dal: &DAL) -> Uuid {
    let task = standalone(dal).await;
    let tasks = dal.task_execution();
    tasks.schedule(task, Duration::ZERO).await.unwrap();
    task
}

async fn a_task_that_is_due_is_made_ready_by_one_claim(db: &TestDatabase) {
    let dal = connect(db).await;
    let (one, other) = (
        working(&dal, None, 0).await.0,
        working(&dal, None, 0).await.0,
    );
    let task = due(&dal).await;
    let held = Held::after(&dal, Call::Claim(one)).await;
    assert!(claimed(&dal, &other).await.is_empty());
    held.commit().await;
    assert_eq!(status(&dal, task).await, TaskStatus::Running);
}

async fn a_claim_passes_over_a_due_task_that_is_being_made_ready(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = working(&dal, None, 0).await.0;
    let task = due(&dal).await;
    let held = Held::after(&dal, Call::MarkReady(task)).await;
    assert!(claimed(&dal, &worker).await.is_empty());
    held.commit().await;
    assert_eq!(claimed(&dal, &worker).await, [task]);
}

async fn a_claim_finds_its_worker_gone(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = working(&dal, None, 0).await.0;
    let task = ready(&dal, None, 1).await[0];
    let goes = Call::Deregister(worker.clone());
    let claim = Call::Claim(worker);
    assert_lost(&meet(db, &dal, goes, claim).await, "worker");
    assert_eq!(status(&dal, task).await, TaskStatus::Ready);
}

async fn a_worker_that_goes_gives_back_what_it_claimed_meanwhile(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = working(&dal, None, 0).await.0;
    let task = ready(&dal, None, 1).await[0];
    let goes = Call::Deregister(worker.clone());
    meet(db, &dal, Call::Claim(worker), goes).await.unwrap();
    assert_eq!(status(&dal, task).await, TaskStatus::Ready);
}

async fn a_claim_does_not_wait_for_a_heartbeat(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = working(&dal, None, 0).await.0;
    let task = ready(&dal, None, 1).await[0];
    let held = Held::after(&dal, Call::Heartbeat(worker.clone())).await;
    assert_eq!(claimed(&dal, &worker).await, [task]);
    held.commit().await;
}

async fn a_recovery_leaves_a_worker_that_renews_its_lease(db: &TestDatabase) {
    let dal = connect(db).await;
    let (worker, claims) = working(&dal, None, 1).await;
    expire(db).await;
    let held = Held::after(&dal, Call::Heartbeat(worker)).await;
    assert!(recovered(&dal).await.is_empty());
    held.commit().await;
    assert!(recovered(&dal).await.is_empty());
    Call::Complete(claims[0].clone()).on(&dal).await.unwrap();
}

async fn a_heartbeat_that_waited_for_a_cancel_tells_of_it(db: &TestDatabase) {
    let dal = connect(db).await;
    let (worker, claims) = working(&dal, None, 1).await;
    let task = claims[0].task_execution_id();
    let held = Held::after(&dal, Call::Cancel(task)).await;
    let beat = {
        let (dal, worker) = (dal.clone(), worker.clone());
        async move { dal.worker().heartbeat(&worker).await }
    };
    let beat = Waiting::start(db, beat, 1).await;
    held.commit().await;
    assert_eq!(beat.end().await.unwrap().cancelled, [task]);
    let next = dal.worker().heartbeat(&worker).await.unwrap();
    assert!(next.cancelled.is_empty());
}

/// The cancel has the task and wants to tell the worker; who goes has the worker and wants the task, which it claimed
/// meanwhile. It is for the operations to try again.
async fn no_deadlock_of_a_cancel_and_a_worker_that_goes_reaches_a_caller(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = working(&dal, None, 0).await.0;
    let task = ready(&dal, None, 1).await[0];
    let held = Held::after(&dal, Call::Heartbeat(worker.clone())).await;
    let goes = Waiting::begin_on(db, &dal, Call::Deregister(worker.clone()), 1).await;
    assert_eq!(claimed(&dal, &worker).await, [task]);
    let cancel = Waiting::begin_on(db, &dal, Call::Cancel(task), 2).await;
    // Not a commit, which would let either of them have the worker first.
    held.roll_back().await;
    goes.end().await.unwrap();
    cancel.end().await.unwrap();
    assert_eq!(status(&dal, task).await, TaskStatus::Cancelled);
}

async fn a_heartbeat_finds_its_worker_swept(db: &TestDatabase) {
    let dal = connect(db).await;
    let (worker, _) = working(&dal, None, 1).await;
    expire(db).await;
    let beat = meet(db, &dal, Call::Recover, Call::Heartbeat(worker)).await;
    assert_lost(&beat, "worker");
}

async fn a_recovery_passes_over_what_another_recovers(db: &TestDatabase) {
    let dal = connect(db).await;
    let (_, claims) = working(&dal, None, 2).await;
    expire(db).await;
    let held = Held::after(&dal, Call::Recover).await;
    assert!(recovered(&dal).await.is_empty());
    held.roll_back().await;
    assert_eq!(recovered(&dal).await.len(), claims.len());
}

async fn a_worker_that_goes_finds_everything_taken_back(db: &TestDatabase) {
    let dal = connect(db).await;
    let (worker, claims) = working(&dal, None, 1).await;
    expire(db).await;
    let goes = Call::Deregister(worker);
    meet(db, &dal, Call::Recover, goes).await.unwrap();
    let task = claims[0].task_execution_id();
    let found = dal.task_execution().get(task).await.unwrap();
    assert_eq!((found.status, found.recoveries), (TaskStatus::Ready, 1));
}

async fn a_cancel_finds_the_task_that_its_worker_gave_back(db: &TestDatabase) {
    let dal = connect(db).await;
    let (worker, claims) = working(&dal, None, 1).await;
    let task = claims[0].task_execution_id();
    let goes = Call::Deregister(worker);
    meet(db, &dal, goes, Call::Cancel(task)).await.unwrap();
    assert_eq!(status(&dal, task).await, TaskStatus::Cancelled);
}
