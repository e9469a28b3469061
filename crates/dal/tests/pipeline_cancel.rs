//! Pipelines that are cancelled by hand, and the wait for their end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod lifecycle;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
    pub(crate) mod run;
}

use std::time::Duration;

use support::{connect::connect, lifecycle::task_in, pipeline::pipeline, refusal::assert_refused};
use taskbox_dal::{DAL, Error};
use taskbox_models::{EventType, NewTaskExecution, PipelineStatus, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    every_task_that_has_not_ended_is_cancelled_with_its_pipeline,
    a_pipeline_of_which_a_task_failed_has_failed_when_it_is_cancelled,
    a_pipeline_without_tasks_is_cancelled,
    a_paused_pipeline_is_cancelled,
    the_worker_of_a_task_learns_of_it_by_its_heartbeat,
    tasks_that_wait_for_others_are_cancelled_and_not_skipped,
    a_pipeline_that_has_ended_is_not_cancelled,
    a_cancelled_pipeline_goes_on_when_a_task_of_it_is_redriven,
    an_unknown_pipeline_is_not_found,
    who_waits_for_a_pipeline_gets_it_as_it_ended,
    who_waits_for_an_unknown_pipeline_is_told_so,
}

async fn statuses(dal: &DAL, pipeline: Uuid) -> Vec<TaskStatus> {
    let tasks = dal.task_execution().list_by_pipeline(pipeline).await;
    tasks.unwrap().iter().map(|task| task.status).collect()
}

async fn status(dal: &DAL, pipeline: Uuid) -> PipelineStatus {
    dal.pipeline_execution().get(pipeline).await.unwrap().status
}

async fn cancel(dal: &DAL, pipeline: Uuid) {
    dal.pipeline_execution().cancel(pipeline).await.unwrap();
}

async fn every_task_that_has_not_ended_is_cancelled_with_its_pipeline(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let other = pipeline(&dal).await;
    let untouched = task_in(&dal, Some(other), TaskStatus::Ready).await;
    for status in [
        TaskStatus::NotStarted,
        TaskStatus::Scheduled,
        TaskStatus::Ready,
        TaskStatus::Running,
        TaskStatus::Completed,
        TaskStatus::Skipped,
    ] {
        task_in(&dal, Some(id), status).await;
    }
    cancel(&dal, id).await;
    let cancelled = TaskStatus::Cancelled;
    assert_eq!(
        statuses(&dal, id).await,
        [
            cancelled,
            cancelled,
            cancelled,
            cancelled,
            TaskStatus::Completed,
            TaskStatus::Skipped
        ]
    );
    assert_eq!(status(&dal, id).await, PipelineStatus::Cancelled);
    let found = dal.task_execution().get(untouched).await.unwrap().status;
    assert_eq!(found, TaskStatus::Ready);
    let late = NewTaskExecution::new(id, "late");
    let refused = dal.task_execution().create(late).await.unwrap_err();
    assert!(matches!(refused, Error::PipelineClosed { .. }), "{refused}");
}

async fn a_pipeline_of_which_a_task_failed_has_failed_when_it_is_cancelled(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    task_in(&dal, Some(id), TaskStatus::Ready).await;
    task_in(&dal, Some(id), TaskStatus::Failed).await;
    cancel(&dal, id).await;
    assert_eq!(status(&dal, id).await, PipelineStatus::Failed);
}

async fn a_pipeline_without_tasks_is_cancelled(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    cancel(&dal, id).await;
    assert_eq!(status(&dal, id).await, PipelineStatus::Cancelled);
    let events = dal.execution_event().list_by_pipeline(id).await.unwrap();
    let types: Vec<_> = events.iter().map(|event| event.event_type).collect();
    assert_eq!(
        types,
        [EventType::PipelineCreated, EventType::PipelineCancelled]
    );
}

async fn a_paused_pipeline_is_cancelled(db: &TestDatabase) {
    let dal = connect(db).await;
    for tasks in 0..2 {
        let id = pipeline(&dal).await;
        for _ in 0..tasks {
            task_in(&dal, Some(id), TaskStatus::Ready).await;
        }
        dal.pipeline_execution().pause(id, "lunch").await.unwrap();
        cancel(&dal, id).await;
        let found = dal.pipeline_execution().get(id).await.unwrap();
        assert_eq!(found.status, PipelineStatus::Cancelled);
        assert_eq!(found.pause_reason, None);
    }
}

async fn the_worker_of_a_task_learns_of_it_by_its_heartbeat(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let task = task_in(&dal, Some(id), TaskStatus::Ready).await;
    let worker = dal.worker().register("w").await.unwrap();
    let claims = dal.task_execution().claim(&worker, 1).await.unwrap();
    cancel(&dal, id).await;
    let beat = dal.worker().heartbeat(&worker).await.unwrap();
    assert_eq!(beat.cancelled, [task]);
    let late = dal.task_execution().complete(&claims[0], None).await;
    assert!(matches!(late, Err(Error::LeaseLost { what: "task", .. })));
}

async fn tasks_that_wait_for_others_are_cancelled_and_not_skipped(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let first = task_in(&dal, Some(id), TaskStatus::Ready).await;
    let second = NewTaskExecution::new(id, "second").after(&[first]);
    dal.task_execution().create(second).await.unwrap();
    cancel(&dal, id).await;
    assert_eq!(statuses(&dal, id).await, [TaskStatus::Cancelled; 2]);
}

async fn a_pipeline_that_has_ended_is_not_cancelled(db: &TestDatabase) {
    let dal = connect(db).await;
    for (task, found) in [
        (TaskStatus::Completed, PipelineStatus::Completed),
        (TaskStatus::Failed, PipelineStatus::Failed),
        (TaskStatus::Cancelled, PipelineStatus::Cancelled),
    ] {
        let pipeline = pipeline(&dal).await;
        task_in(&dal, Some(pipeline), task).await;
        let expected = Error::PipelineConflict {
            pipeline,
            expected: &[
                PipelineStatus::Pending,
                PipelineStatus::Running,
                PipelineStatus::Paused,
            ],
            found,
        };
        assert_refused(db, dal.pipeline_execution().cancel(pipeline), expected).await;
    }
}

async fn a_cancelled_pipeline_goes_on_when_a_task_of_it_is_redriven(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let task = task_in(&dal, Some(id), TaskStatus::Running).await;
    cancel(&dal, id).await;
    dal.task_execution().redrive(task).await.unwrap();
    assert_eq!(status(&dal, id).await, PipelineStatus::Running);
    cancel(&dal, id).await;
    assert_eq!(status(&dal, id).await, PipelineStatus::Cancelled);
}

async fn an_unknown_pipeline_is_not_found(db: &TestDatabase) {
    let dal = connect(db).await;
    pipeline(&dal).await;
    let id = Uuid::now_v7();
    let what = "pipeline";
    let expected = Error::NotFound { what, id };
    assert_refused(db, dal.pipeline_execution().cancel(id), expected).await;
}

async fn who_waits_for_a_pipeline_gets_it_as_it_ended(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let task = task_in(&dal, Some(id), TaskStatus::Ready).await;
    let wait = dal.pipeline_execution().wait(id);
    let end = async {
        // The wait has looked at least once.
        let early = tokio::time::timeout(Duration::ZERO, dal.pipeline_execution().wait(id));
        assert!(early.await.is_err());
        dal.task_execution().cancel(task).await.unwrap();
    };
    let (ended, ()) = tokio::join!(wait, end);
    assert_eq!(ended.unwrap().status, PipelineStatus::Cancelled);
    let again = dal.pipeline_execution().wait(id).await.unwrap();
    assert_eq!(again.status, PipelineStatus::Cancelled);
}

async fn who_waits_for_an_unknown_pipeline_is_told_so(db: &TestDatabase) {
    let dal = connect(db).await;
    let unknown = dal.pipeline_execution().wait(Uuid::now_v7()).await;
    assert!(matches!(
        unknown,
        Err(Error::NotFound {
            what: "pipeline",
            ..
        })
    ));
}
