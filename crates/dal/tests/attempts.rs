//! Attempts that are ended many at a time: each in its own way, and one that is refused stops no other.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
}

use std::time::Duration;

use support::{connect::connect, pipeline::pipeline, refusal::assert_refused};
use taskbox_dal::{DAL, Error, Moved};
use taskbox_models::{Claim, NewTaskExecution, TaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    each_task_that_fails_keeps_its_own_error,
    each_task_is_tried_again_after_its_own_delay_or_not_at_all,
    each_task_is_put_off_for_its_own_delay,
    tasks_that_are_given_back_are_ready_in_the_order_of_the_call,
    those_whose_lease_is_lost_stop_no_others,
    a_text_or_a_delay_that_cannot_be_kept_moves_nothing,
}

const DAY: Duration = Duration::from_hours(24);

/// Three tasks that run, of one pipeline, the second with a single attempt.
async fn running(dal: &DAL) -> Vec<Claim> {
    let pipeline = pipeline(dal).await;
    let new = |attempts| NewTaskExecution::new(pipeline, "t").max_attempts(attempts);
    let new = vec![new(2), new(1), new(2)];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let ids: Vec<_> = made.iter().map(|task| task.id).collect();
    let ready = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    assert_eq!(ready.moved, ids);
    let worker = dal.worker().register("w").await.unwrap();
    dal.task_execution().claim(&worker, 3).await.unwrap()
}

fn ids(claims: &[Claim]) -> Vec<Uuid> {
    claims.iter().map(Claim::task_execution_id).collect()
}

fn assert_moved(outcome: &Moved, claims: &[Claim]) {
    assert_eq!((&outcome.moved, outcome.refused.len()), (&ids(claims), 0));
}

async fn tasks(dal: &DAL, claims: &[Claim]) -> Vec<TaskExecution> {
    let mut tasks = Vec::new();
    for id in ids(claims) {
        tasks.push(dal.task_execution().get(id).await.unwrap());
    }
    tasks
}

async fn statuses(dal: &DAL, claims: &[Claim]) -> Vec<TaskStatus> {
    let tasks = tasks(dal, claims).await;
    tasks.iter().map(|task| task.status).collect()
}

/// What the last event of each task says.
async fn said(dal: &DAL, claims: &[Claim], key: &str) -> Vec<Option<String>> {
    let mut said = Vec::new();
    for id in ids(claims) {
        let mut events = dal.execution_event().list_by_task(id).await.unwrap();
        let data = events.pop().unwrap().event_data.unwrap_or_default();
        said.push(data[key].as_str().map(str::to_owned));
    }
    said
}

fn errors(claims: &[Claim]) -> impl Iterator<Item = (Claim, String)> {
    let claims = claims.iter().cloned().enumerate();
    claims.map(|(number, claim)| (claim, format!("broken {number}")))
}

async fn each_task_that_fails_keeps_its_own_error(db: &TestDatabase) {
    let dal = connect(db).await;
    let claims = running(&dal).await;
    let failed: Vec<_> = errors(&claims).collect();
    let outcome = dal.task_execution().fail_many(&failed).await.unwrap();
    assert_moved(&outcome, &claims);
    assert_eq!(statuses(&dal, &claims).await, [TaskStatus::Failed; 3]);
    let expected = failed.into_iter().map(|(_, error)| Some(error));
    assert_eq!(
        said(&dal, &claims, "error").await,
        expected.collect::<Vec<_>>()
    );
}

async fn each_task_is_tried_again_after_its_own_delay_or_not_at_all(db: &TestDatabase) {
    let dal = connect(db).await;
    let claims = running(&dal).await;
    let delays = [DAY, DAY, Duration::ZERO];
    let retried: Vec<_> = errors(&claims)
        .zip(delays)
        .map(|((claim, error), delay)| (claim, error, delay))
        .collect();
    let tasks = dal.task_execution();
    let outcome = tasks.schedule_retry_many(&retried).await.unwrap();
    assert_moved(&outcome, &claims);
    assert_eq!(
        statuses(&dal, &claims).await,
        [TaskStatus::Scheduled, TaskStatus::Failed, TaskStatus::Ready]
    );
    let expected = retried.into_iter().map(|(_, error, _)| Some(error));
    assert_eq!(
        said(&dal, &claims, "error").await,
        expected.collect::<Vec<_>>()
    );
}

async fn each_task_is_put_off_for_its_own_delay(db: &TestDatabase) {
    let dal = connect(db).await;
    let claims = running(&dal).await;
    let deferred: Vec<_> = claims
        .iter()
        .cloned()
        .zip([3 * DAY, DAY, 2 * DAY])
        .collect();
    let outcome = dal.task_execution().defer_many(&deferred).await.unwrap();
    assert_moved(&outcome, &claims);
    for task in tasks(&dal, &claims).await {
        assert_eq!((task.status, task.attempt), (TaskStatus::Scheduled, 0));
    }
    let due = said(&dal, &claims, "due_at").await;
    assert!(due[1] < due[2] && due[2] < due[0], "{due:?}");
}

async fn tasks_that_are_given_back_are_ready_in_the_order_of_the_call(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut claims = running(&dal).await;
    claims.reverse();
    let outcome = dal.task_execution().release_many(&claims).await.unwrap();
    assert_moved(&outcome, &claims);
    for task in tasks(&dal, &claims).await {
        assert_eq!((task.status, task.attempt), (TaskStatus::Ready, 0));
    }
    let ready = dal.task_outbox().list_pending(9).await.unwrap();
    let ready: Vec<_> = ready.iter().map(|row| row.task_execution_id).collect();
    assert_eq!(ready, ids(&claims));
}

async fn those_whose_lease_is_lost_stop_no_others(db: &TestDatabase) {
    let dal = connect(db).await;
    let tasks = || dal.task_execution();
    for way in 0..4 {
        let claims = running(&dal).await;
        let lost = claims[1].task_execution_id();
        tasks().cancel(lost).await.unwrap();
        let errors = errors(&claims);
        let outcome = match way {
            0 => tasks().fail_many(&errors.collect::<Vec<_>>()).await,
            1 => {
                let retried = errors.map(|(claim, error)| (claim, error, DAY));
                tasks()
                    .schedule_retry_many(&retried.collect::<Vec<_>>())
                    .await
            }
            2 => {
                let deferred = claims.iter().cloned().map(|claim| (claim, DAY));
                tasks().defer_many(&deferred.collect::<Vec<_>>()).await
            }
            _ => tasks().release_many(&claims).await,
        };
        let outcome = outcome.unwrap();
        let others = [claims[0].task_execution_id(), claims[2].task_execution_id()];
        assert_eq!(outcome.moved, others);
        assert_eq!(outcome.refused[0].task, lost);
        assert_eq!(statuses(&dal, &claims).await[1], TaskStatus::Cancelled);
        let ready = dal.task_outbox().list_pending(9).await.unwrap();
        for row in ready {
            tasks().cancel(row.task_execution_id).await.unwrap();
        }
    }
}

async fn a_text_or_a_delay_that_cannot_be_kept_moves_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    let claims = running(&dal).await;
    let tasks = || dal.task_execution();
    let nul = || Error::InvalidInput {
        what: "error",
        problem: "has a NUL character at byte 1, which databases cannot keep".to_owned(),
    };
    let long = || Error::InvalidInput {
        what: "delay",
        problem: "is longer than a century".to_owned(),
    };
    let mut failed: Vec<_> = errors(&claims).collect();
    "a\0b".clone_into(&mut failed[2].1);
    assert_refused(db, tasks().fail_many(&failed), nul()).await;
    let retry = |(claim, error)| (claim, error, DAY);
    let mut retried: Vec<_> = failed.into_iter().map(retry).collect();
    assert_refused(db, tasks().schedule_retry_many(&retried), nul()).await;
    retried[2].1.clear();
    retried[2].2 = Duration::MAX;
    assert_refused(db, tasks().schedule_retry_many(&retried), long()).await;
    let deferred = retried.into_iter().map(|(claim, _, delay)| (claim, delay));
    let deferred: Vec<_> = deferred.collect();
    assert_refused(db, tasks().defer_many(&deferred), long()).await;
}
