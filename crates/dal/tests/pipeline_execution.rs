//! What `dal.pipeline_execution()` promises: pipelines that start and end with their tasks.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod lifecycle;
    pub(crate) mod limit;
    pub(crate) mod pause;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
    pub(crate) mod run;
}

use std::time::Duration;

use support::{
    connect::connect, lifecycle::task_in, limit::negative, pause::pause, pipeline::pipeline,
    refusal::assert_refused,
};
use taskbox_dal::{DAL, Error};
use taskbox_models::{
    EventType, NewPipelineExecution, NewTaskExecution, PipelineExecution, PipelineStatus,
    TaskStatus,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    a_pipeline_is_made_pending_and_empty,
    a_chosen_id_is_made_once,
    a_name_that_cannot_be_kept_is_refused,
    an_unknown_pipeline_is_not_found,
    the_newest_pipelines_come_first,
    a_pipeline_is_pending_until_a_task_leaves_not_started,
    a_pipeline_starts_with_its_first_task_and_once,
    a_pipeline_runs_while_a_task_is_open,
    a_pipeline_ends_as_its_tasks_did,
    a_pipeline_ends_once_with_the_last_of_two_in_one_transaction,
    a_reopened_pipeline_ends_again,
    a_pipeline_that_is_paused_ends_with_its_last_task,
}

async fn a_pipeline_is_made_pending_and_empty(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = Uuid::now_v7();
    let new = NewPipelineExecution::new("import").id(id);
    let made = dal.pipeline_execution().create(new).await.unwrap();
    let expected = PipelineExecution {
        id,
        name: "import".to_owned(),
        status: PipelineStatus::Pending,
        open_tasks: 0,
        failed_tasks: 0,
        cancelled_tasks: 0,
        pause_reason: None,
        created_at: made.created_at,
        updated_at: made.updated_at,
    };
    assert_eq!(made, expected);
    assert_eq!(dal.pipeline_execution().get(id).await.unwrap(), made);
    assert_eq!(types(&dal, id).await, [EventType::PipelineCreated]);
    let by_default = pipeline(&dal).await;
    assert_eq!(by_default.get_version_num(), 7);
}

/// The types of the events of the pipeline itself.
async fn types(dal: &DAL, pipeline: Uuid) -> Vec<EventType> {
    let events = dal.execution_event().list_by_pipeline(pipeline).await;
    let mut events = events.unwrap();
    events.retain(|event| event.task_execution_id.is_none());
    events.iter().map(|event| event.event_type).collect()
}

async fn a_chosen_id_is_made_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let taken = pipeline(&dal).await;
    task_in(&dal, Some(taken), TaskStatus::Ready).await;
    let again = NewPipelineExecution::new("export").id(taken);
    let expected = Error::PipelineExists { pipeline: taken };
    assert_refused(db, dal.pipeline_execution().create(again), expected).await;
}

async fn a_name_that_cannot_be_kept_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let longest = NewPipelineExecution::new("x".repeat(255));
    dal.pipeline_execution().create(longest).await.unwrap();
    for (name, problem) in [
        (String::new(), "is empty"),
        ("x".repeat(256), "has 256 bytes; the longest has 255"),
        (
            "a\0b".to_owned(),
            "has a NUL character at byte 1, which databases cannot keep",
        ),
    ] {
        let expected = Error::InvalidInput {
            what: "name",
            problem: problem.to_owned(),
        };
        let new = NewPipelineExecution::new(name);
        assert_refused(db, dal.pipeline_execution().create(new), expected).await;
    }
}

async fn an_unknown_pipeline_is_not_found(db: &TestDatabase) {
    let dal = connect(db).await;
    pipeline(&dal).await;
    let id = Uuid::now_v7();
    let what = "pipeline";
    let expected = Error::NotFound { what, id };
    assert_refused(db, dal.pipeline_execution().get(id), expected).await;
}

async fn the_newest_pipelines_come_first(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut newest = Vec::new();
    for _ in 0..3 {
        newest.insert(0, get(&dal, pipeline(&dal).await).await);
    }
    for (limit, count) in [(i64::MAX, 3), (3, 3), (2, 2), (0, 0)] {
        let listed = dal.pipeline_execution().list_recent(limit).await.unwrap();
        assert_eq!(listed, newest[..count]);
    }
    for limit in [-1, i64::MIN] {
        let listed = dal.pipeline_execution().list_recent(limit);
        assert_refused(db, listed, negative(limit)).await;
    }
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
    assert_eq!(row.pause_reason.as_deref(), Some("lunch"));

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
