//! How a pipeline starts and ends with its tasks.

use std::time::Duration;

use taskbox_dal::{DAL, Error};
use taskbox_models::{EventType, NewTaskExecution, PipelineExecution, PipelineStatus, TaskStatus};
use taskbox_test_support::{TestDatabase, canary::PAYLOAD};
use uuid::Uuid;

use crate::{
    support::{connect::connect, lifecycle::task_in, pause::pause, pipeline::pipeline},
    types,
};

taskbox_test_support::suite! {
    a_pipeline_is_pending_until_a_task_leaves_not_started,
    a_pipeline_starts_with_its_first_task_and_once,
    a_pipeline_runs_while_a_task_is_open,
    a_pipeline_ends_as_its_tasks_did,
    a_pipeline_ends_once_with_the_last_of_two_in_one_transaction,
    a_reopened_pipeline_ends_again,
    a_pipeline_that_is_paused_ends_with_its_last_task,
}

async fn get(dal: &DAL, pipeline: Uuid) -> PipelineExecution {
    dal.pipeline_execution().get(pipeline).await.unwrap()
}

async fn a_pipeline_is_pending_until_a_task_leaves_not_started(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let before = get(&dal, id).await;
    let new = vec![NewTaskExecution::new(id, "a"); 2];
    dal.task_execution().create_many(new).await.unwrap();
    let after = get(&dal, id).await;
    let expected = PipelineExecution {
        open_tasks: 2,
        updated_at: after.updated_at,
        ..before
    };
    assert_eq!(after, expected);
    assert_eq!(types(&dal, id).await, [EventType::PipelineCreated]);
}

async fn a_pipeline_starts_with_its_first_task_and_once(db: &TestDatabase) {
    let dal = connect(db).await;
    for (first, second) in [
        (TaskStatus::Ready, TaskStatus::Scheduled),
        (TaskStatus::Scheduled, TaskStatus::Ready),
    ] {
        let id = pipeline(&dal).await;
        task_in(&dal, Some(id), first).await;
        assert_eq!(get(&dal, id).await.status, PipelineStatus::Running);
        let started = [EventType::PipelineCreated, EventType::PipelineStarted];
        assert_eq!(types(&dal, id).await, started);
        let before = get(&dal, id).await;
        let task = task_in(&dal, Some(id), TaskStatus::NotStarted).await;
        if second == TaskStatus::Ready {
            dal.task_execution().mark_ready(task).await.unwrap();
        } else {
            let hour = Duration::from_hours(1);
            dal.task_execution().schedule(task, hour).await.unwrap();
        }
        let after = get(&dal, id).await;
        assert_eq!((after.status, after.open_tasks), (before.status, 2));
        assert_eq!(types(&dal, id).await, started);
    }
}

async fn a_pipeline_runs_while_a_task_is_open(db: &TestDatabase) {
    let dal = connect(db).await;
    for open in TaskStatus::LIVE {
        let id = pipeline(&dal).await;
        task_in(&dal, Some(id), *open).await;
        for ended in [TaskStatus::Skipped, TaskStatus::Cancelled] {
            task_in(&dal, Some(id), ended).await;
        }
        let row = get(&dal, id).await;
        assert_eq!(row.status, PipelineStatus::Running, "{open}");
        assert_eq!((row.open_tasks, row.failed_tasks), (1, 0));
        assert_eq!(row.cancelled_tasks, 1);
        let events = [EventType::PipelineCreated, EventType::PipelineStarted];
        assert_eq!(types(&dal, id).await, events);
    }
}

/// How the last of a pipeline's tasks ends.
#[derive(Clone, Copy, Debug)]
enum Last {
    Cancel,
    Skip,
}

async fn a_pipeline_ends_as_its_tasks_did(db: &TestDatabase) {
    use TaskStatus::{Cancelled, Completed, Failed, Skipped};

    for (others, last, expected) in [
        (&[][..], Last::Skip, PipelineStatus::Completed),
        (&[], Last::Cancel, PipelineStatus::Cancelled),
        (&[Skipped], Last::Skip, PipelineStatus::Completed),
        (&[Completed], Last::Skip, PipelineStatus::Completed),
        (&[Completed], Last::Cancel, PipelineStatus::Cancelled),
        (&[Cancelled], Last::Skip, PipelineStatus::Cancelled),
        (&[Cancelled], Last::Cancel, PipelineStatus::Cancelled),
        (&[Failed], Last::Skip, PipelineStatus::Failed),
        (&[Failed], Last::Cancel, PipelineStatus::Failed),
        (
            &[Failed, Cancelled, Completed],
            Last::Skip,
            PipelineStatus::Failed,
        ),
    ] {
        let dal = connect(db).await;
        let id = pipeline(&dal).await;
        let task = task_in(&dal, Some(id), TaskStatus::NotStarted).await;
        for status in others {
            task_in(&dal, Some(id), *status).await;
        }
        match last {
            Last::Cancel => dal.task_execution().cancel(task).await.unwrap(),
            Last::Skip => dal.task_execution().skip(task, "not needed").await.unwrap(),
        }
        let row = get(&dal, id).await;
        assert_eq!(row.status, expected, "{others:?}, {last:?}");
        assert_eq!(row.open_tasks, 0);
        let events = [
            EventType::PipelineCreated,
            EventType::PipelineStarted,
            end_event(expected),
        ];
        assert_eq!(types(&dal, id).await, events);
    }
}

fn end_event(status: PipelineStatus) -> EventType {
    match status {
        PipelineStatus::Completed => EventType::PipelineCompleted,
        PipelineStatus::Failed => EventType::PipelineFailed,
        PipelineStatus::Cancelled => EventType::PipelineCancelled,
        open => panic!("{open} is no end"),
    }
}

async fn a_pipeline_ends_once_with_the_last_of_two_in_one_transaction(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let first = task_in(&dal, Some(id), TaskStatus::Ready).await;
    let second = task_in(&dal, Some(id), TaskStatus::NotStarted).await;
    let ended = dal.transaction(async |tx| {
        tx.task_execution().cancel(first).await?;
        let between = tx.pipeline_execution().get(id).await?;
        tx.task_execution().skip(second, "not needed").await?;
        Ok::<_, Error>(between.status)
    });
    assert_eq!(ended.await.unwrap(), PipelineStatus::Running);
    let events = [
        EventType::PipelineCreated,
        EventType::PipelineStarted,
        EventType::PipelineCancelled,
    ];
    assert_eq!(types(&dal, id).await, events);
}

async fn a_reopened_pipeline_ends_again(db: &TestDatabase) {
    let dal = connect(db).await;
    for (first, end) in [
        (TaskStatus::Skipped, EventType::PipelineCompleted),
        (TaskStatus::Completed, EventType::PipelineCompleted),
        (TaskStatus::Failed, EventType::PipelineFailed),
    ] {
        let id = pipeline(&dal).await;
        task_in(&dal, Some(id), first).await;
        task_in(&dal, Some(id), TaskStatus::Skipped).await;
        let events = [
            EventType::PipelineCreated,
            EventType::PipelineStarted,
            end,
            EventType::PipelineReopened,
            end,
        ];
        assert_eq!(types(&dal, id).await, events);
    }
}

async fn a_pipeline_that_is_paused_ends_with_its_last_task(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let task = task_in(&dal, Some(id), TaskStatus::NotStarted).await;
    pause(db, id).await;
    let other = task_in(&dal, Some(id), TaskStatus::Cancelled).await;
    let row = get(&dal, id).await;
    assert_eq!(row.status, PipelineStatus::Paused, "while {task} is open");
    assert_eq!(row.pause_reason.as_deref(), Some(PAYLOAD));

    dal.task_execution().skip(task, "not needed").await.unwrap();

    let row = get(&dal, id).await;
    assert_eq!(
        (row.status, row.pause_reason),
        (PipelineStatus::Cancelled, None)
    );
    let status = dal.task_execution().get(other).await.unwrap().status;
    assert_eq!(status, TaskStatus::Cancelled);
    let events = [
        EventType::PipelineCreated,
        EventType::PipelinePaused,
        EventType::PipelineCancelled,
    ];
    assert_eq!(types(&dal, id).await, events);
}
