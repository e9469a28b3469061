//! How an attempt goes, from the claim to its end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod pipeline;
}

use std::time::Duration;

use serde_json::json;
use support::{connect::connect, pipeline::pipeline};
use taskbox_dal::{DAL, Error};
use taskbox_models::{Claim, EventType, NewTaskExecution, PipelineStatus, TaskStatus, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    a_task_that_completes_keeps_its_output_and_ends_its_pipeline,
    an_attempt_that_failed_is_tried_again_until_none_is_left,
    attempts_that_are_given_back_do_not_count,
    many_tasks_complete_together,
    a_dead_workers_tasks_are_ready_again_until_it_is_too_often,
    a_worker_that_deregisters_gives_its_tasks_back,
    a_worker_is_told_once_what_was_cancelled,
    a_worker_is_not_told_of_what_it_has_claimed_again,
    a_failed_task_is_redriven_with_fresh_attempts,
    due_tasks_are_claimed,
}

async fn ready(dal: &DAL, new: NewTaskExecution) -> Uuid {
    let task = dal.task_execution().create(new).await.unwrap().id;
    dal.task_execution().mark_ready(task).await.unwrap();
    task
}

async fn claim_one(dal: &DAL, worker: &Worker) -> Claim {
    let mut claims = dal.task_execution().claim(worker, 2).await.unwrap();
    assert_eq!(claims.len(), 1);
    claims.pop().unwrap()
}

async fn history(dal: &DAL, task: Uuid) -> Vec<EventType> {
    let events = dal.execution_event().list_by_task(task).await.unwrap();
    events.iter().map(|event| event.event_type).collect()
}

async fn a_task_that_completes_keeps_its_output_and_ends_its_pipeline(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    let task = ready(
        &dal,
        NewTaskExecution::new(pipeline, "t").input(json!({"a": 1})),
    )
    .await;
    let worker = dal.worker().register("w").await.unwrap();
    let claim = claim_one(&dal, &worker).await;
    assert_eq!(claim.task_execution_id(), task);
    assert_eq!(claim.pipeline_execution_id(), Some(pipeline));
    assert_eq!(claim.input(), Some(&json!({"a": 1})));
    assert_eq!((claim.attempt(), claim.epoch()), (1, 1));
    dal.task_execution()
        .complete(&claim, Some(json!({"rows": 3})))
        .await
        .unwrap();
    let done = dal.task_execution().get(task).await.unwrap();
    assert_eq!(done.status, TaskStatus::Completed);
    assert_eq!(done.output, Some(json!({"rows": 3})));
    let pipeline = dal.pipeline_execution().get(pipeline).await.unwrap();
    assert_eq!(pipeline.status, PipelineStatus::Completed);
    let again = dal.task_execution().complete(&claim, None).await;
    assert!(matches!(again, Err(Error::LeaseLost { what: "task", id }) if id == task));
}

async fn an_attempt_that_failed_is_tried_again_until_none_is_left(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("t").max_attempts(3)).await;
    let worker = dal.worker().register("w").await.unwrap();
    for (delay, status) in [
        (Duration::ZERO, TaskStatus::Ready),
        (Duration::from_micros(1), TaskStatus::Scheduled),
        (Duration::ZERO, TaskStatus::Failed),
    ] {
        // SQLite's clock has milliseconds: one that was due in a microsecond may not be yet.
        let claim = loop {
            let claims = dal.task_execution().claim(&worker, 2).await.unwrap();
            if let [claim] = claims.as_slice() {
                break claim.clone();
            }
        };
        dal.task_execution()
            .schedule_retry(&claim, "broken", delay)
            .await
            .unwrap();
        let found = dal.task_execution().get(task).await.unwrap();
        assert_eq!(found.status, status);
    }
}

async fn attempts_that_are_given_back_do_not_count(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("t")).await;
    let worker = dal.worker().register("w").await.unwrap();
    let claim = claim_one(&dal, &worker).await;
    dal.task_execution().release(&claim).await.unwrap();
    let claim = claim_one(&dal, &worker).await;
    assert_eq!((claim.attempt(), claim.epoch()), (1, 2));
    dal.task_execution()
        .defer(&claim, Duration::ZERO)
        .await
        .unwrap();
    let claim = claim_one(&dal, &worker).await;
    assert_eq!((claim.attempt(), claim.epoch()), (1, 3));
    dal.task_execution().fail(&claim, "no").await.unwrap();
    assert_eq!(
        history(&dal, task).await,
        [
            EventType::TaskCreated,
            EventType::TaskMarkedReady,
            EventType::TaskClaimed,
            EventType::TaskReleased,
            EventType::TaskClaimed,
            EventType::TaskDeferred,
            EventType::TaskMarkedReady,
            EventType::TaskClaimed,
            EventType::TaskFailed
        ]
    );
}

async fn many_tasks_complete_together(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = vec![NewTaskExecution::standalone("t"); 1500];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let ids: Vec<Uuid> = made.iter().map(|task| task.id).collect();
    let _ = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    let worker = dal.worker().register("w").await.unwrap();
    let claims = dal.task_execution().claim(&worker, 1200).await.unwrap();
    let claimed: Vec<Uuid> = claims.iter().map(Claim::task_execution_id).collect();
    assert_eq!(claimed, ids[..1200]);
    dal.task_execution().release(&claims[7]).await.unwrap();
    let batch: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
    let moved = dal.task_execution().complete_many(&batch).await.unwrap();
    assert_eq!(moved.moved.len(), 1199);
    assert_eq!(moved.refused[0].task, ids[7]);
}

async fn a_dead_workers_tasks_are_ready_again_until_it_is_too_often(db: &TestDatabase) {
    let dal = DAL::builder(db.url())
        .max_recoveries(1)
        .connect()
        .await
        .unwrap();
    let task = ready(&dal, NewTaskExecution::standalone("t")).await;
    for recovered in [true, false] {
        let worker = dal.worker().register("w").await.unwrap();
        let claim = claim_one(&dal, &worker).await;
        db.execute("UPDATE task_workers SET lease_expires_at = registered_at")
            .await;
        let late = dal.task_execution().complete(&claim, None).await;
        assert!(matches!(late, Err(Error::LeaseLost { .. })));
        let answer = dal.task_execution().recover_expired(10).await.unwrap();
        let (back, gone) = if recovered {
            (vec![task], vec![])
        } else {
            (vec![], vec![task])
        };
        assert_eq!((answer.recovered, answer.abandoned), (back, gone));
        assert_eq!(db.query_i64("SELECT count(*) FROM task_workers").await, 0);
        let swept = dal.worker().heartbeat(&worker).await;
        assert!(matches!(
            swept,
            Err(Error::LeaseLost { what: "worker", .. })
        ));
        let swept = dal.task_execution().claim(&worker, 1).await;
        assert!(matches!(
            swept,
            Err(Error::LeaseLost { what: "worker", .. })
        ));
    }
}

async fn a_worker_that_deregisters_gives_its_tasks_back(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("t")).await;
    let worker = dal.worker().register("w").await.unwrap();
    claim_one(&dal, &worker).await;
    dal.worker().deregister(worker.clone()).await.unwrap();
    dal.worker().deregister(worker).await.unwrap();
    let found = dal.task_execution().get(task).await.unwrap();
    assert_eq!((found.status, found.attempt), (TaskStatus::Ready, 0));
}

async fn a_worker_is_told_once_what_was_cancelled(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("t")).await;
    let worker = dal.worker().register("w").await.unwrap();
    claim_one(&dal, &worker).await;
    dal.task_execution().cancel(task).await.unwrap();
    let beat = dal.worker().heartbeat(&worker).await.unwrap();
    assert_eq!((beat.lost, beat.cancelled), (vec![], vec![task]));
    let beat = dal.worker().heartbeat(&worker).await.unwrap();
    assert_eq!((beat.lost, beat.cancelled), (vec![], vec![]));
}

async fn a_worker_is_not_told_of_what_it_has_claimed_again(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("t")).await;
    let gone = ready(&dal, NewTaskExecution::standalone("t")).await;
    let worker = dal.worker().register("w").await.unwrap();
    let claims = dal.task_execution().claim(&worker, 2).await.unwrap();
    assert_eq!(claims.len(), 2);
    for task in [task, gone] {
        dal.task_execution().cancel(task).await.unwrap();
    }
    dal.task_execution().redrive(task).await.unwrap();
    let claim = claim_one(&dal, &worker).await;
    let beat = dal.worker().heartbeat(&worker).await.unwrap();
    assert_eq!((beat.lost, beat.cancelled), (vec![], vec![gone]));
    dal.task_execution().complete(&claim, None).await.unwrap();
}

async fn a_failed_task_is_redriven_with_fresh_attempts(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    let task = ready(&dal, NewTaskExecution::new(pipeline, "t")).await;
    let worker = dal.worker().register("w").await.unwrap();
    let claim = claim_one(&dal, &worker).await;
    dal.task_execution().fail(&claim, "no").await.unwrap();
    dal.task_execution().redrive(task).await.unwrap();
    let claim = claim_one(&dal, &worker).await;
    assert_eq!((claim.attempt(), claim.epoch()), (1, 2));
    let pipeline = dal.pipeline_execution().get(pipeline).await.unwrap();
    assert_eq!(pipeline.status, PipelineStatus::Running);
}

async fn due_tasks_are_claimed(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewTaskExecution::standalone("t").queue("mail");
    let task = dal.task_execution().create(new).await.unwrap().id;
    let worker = dal.worker().register("w").await.unwrap();
    dal.task_execution()
        .schedule(task, Duration::ZERO)
        .await
        .unwrap();
    let tasks = || dal.task_execution();
    let none = tasks().claim_from(&worker, &["other"], 5).await.unwrap();
    assert!(none.is_empty());
    let claims = tasks()
        .claim_from(&worker, &["other", "mail"], 5)
        .await
        .unwrap();
    assert_eq!(claims[0].task_execution_id(), task);
}
