//! Two calls on tasks of one pipeline.

use taskbox_dal::Error;
use taskbox_models::{EventType, PipelineStatus, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{
    call::Call,
    meeting::{Held, Waiting, meet},
    scene::{connect, pipeline, status, story, task_of},
};

taskbox_test_support::suite! {
    postgres: [
        a_pipeline_that_two_tasks_start_starts_once,
        the_last_two_tasks_of_a_pipeline_end_it_once,
        a_task_made_while_the_last_one_ends_reopens_the_pipeline,
        a_task_made_before_the_last_one_ends_keeps_the_pipeline_open,
        a_task_made_while_the_pipeline_is_cancelled_is_refused,
        who_waited_for_a_transaction_that_rolled_back_goes_on,
        no_deadlock_of_three_ends_under_a_key_share_lock_reaches_a_caller,
    ],
}

async fn a_pipeline_that_two_tasks_start_starts_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let (a, b) = (task_of(&dal, id).await, task_of(&dal, id).await);
    meet(db, &dal, Call::MarkReady(a), Call::Schedule(b))
        .await
        .unwrap();
    let events = vec![EventType::PipelineCreated, EventType::PipelineStarted];
    assert_eq!(
        story(&dal, id).await,
        (PipelineStatus::Running, [2, 0, 0], events)
    );
}

/// A call that ends a task.
type End = fn(Uuid) -> Call;

async fn the_last_two_tasks_of_a_pipeline_end_it_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let ended = |event| {
        vec![
            EventType::PipelineCreated,
            EventType::PipelineStarted,
            event,
        ]
    };
    let (cancelled, completed) = (EventType::PipelineCancelled, EventType::PipelineCompleted);
    let cases: [(End, End, _); 4] = [
        (
            Call::Cancel,
            Call::Cancel,
            (PipelineStatus::Cancelled, [0, 0, 2], ended(cancelled)),
        ),
        (
            Call::Cancel,
            Call::Skip,
            (PipelineStatus::Cancelled, [0, 0, 1], ended(cancelled)),
        ),
        (
            Call::Skip,
            Call::Cancel,
            (PipelineStatus::Cancelled, [0, 0, 1], ended(cancelled)),
        ),
        (
            Call::Skip,
            Call::Skip,
            (PipelineStatus::Completed, [0, 0, 0], ended(completed)),
        ),
    ];
    for (first, second, expected) in cases {
        let id = pipeline(&dal).await;
        let (a, b) = (task_of(&dal, id).await, task_of(&dal, id).await);
        meet(db, &dal, first(a), second(b)).await.unwrap();
        assert_eq!(story(&dal, id).await, expected);
    }
}

async fn a_task_made_while_the_last_one_ends_reopens_the_pipeline(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let last = task_of(&dal, id).await;
    meet(db, &dal, Call::Skip(last), Call::Create(id))
        .await
        .unwrap();
    let events = vec![
        EventType::PipelineCreated,
        EventType::PipelineStarted,
        EventType::PipelineCompleted,
        EventType::PipelineReopened,
    ];
    assert_eq!(
        story(&dal, id).await,
        (PipelineStatus::Running, [1, 0, 0], events)
    );
}

async fn a_task_made_before_the_last_one_ends_keeps_the_pipeline_open(db: &TestDatabase) {
    let dal = connect(db).await;
    for end in [Call::Skip, Call::Cancel] {
        let id = pipeline(&dal).await;
        let last = task_of(&dal, id).await;
        meet(db, &dal, Call::Create(id), end(last)).await.unwrap();
        let (status, [open, ..], events) = story(&dal, id).await;
        assert_eq!((status, open), (PipelineStatus::Running, 1));
        assert_eq!(
            events,
            [EventType::PipelineCreated, EventType::PipelineStarted]
        );
    }
}

async fn a_task_made_while_the_pipeline_is_cancelled_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let last = task_of(&dal, id).await;
    let refused = meet(db, &dal, Call::Cancel(last), Call::Create(id)).await;
    let found = PipelineStatus::Cancelled;
    assert!(
        matches!(refused, Err(Error::PipelineClosed { pipeline, found: status }) if pipeline == id && status == found),
        "{refused:?}"
    );
}

async fn who_waited_for_a_transaction_that_rolled_back_goes_on(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let task = task_of(&dal, id).await;
    let held = Held::after(&dal, Call::Cancel(task)).await;
    let waiting = Waiting::begin(db, &dal, Call::MarkReady(task), 1).await;
    held.roll_back().await;
    waiting.end().await.unwrap();
    assert_eq!(status(&dal, task).await, TaskStatus::Ready);
    let events = vec![EventType::PipelineCreated, EventType::PipelineStarted];
    assert_eq!(
        story(&dal, id).await,
        (PipelineStatus::Running, [1, 0, 0], events)
    );
}

/// Postgres finds a deadlock here, although everyone locks in one order. The one made ready keeps a key-share lock on
/// the pipeline's row, so that its old version counts as locked after the first end replaced it. Then the second
/// end, which has the lock of the new version, comes by the old one again for its update, and the third holds that
/// one's place in the queue. It is for the operations to try again.
async fn no_deadlock_of_three_ends_under_a_key_share_lock_reaches_a_caller(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let mut tasks = Vec::new();
    for _ in 0..5 {
        tasks.push(task_of(&dal, id).await);
    }
    Call::Schedule(tasks[0]).on(&dal).await.unwrap();
    let made_ready = Held::after(&dal, Call::MarkReady(tasks[1])).await;
    let first = Held::after(&dal, Call::Skip(tasks[2])).await;
    let second = Waiting::begin_on(db, &dal, Call::Cancel(tasks[3]), 1).await;
    let third = Waiting::begin_on(db, &dal, Call::Cancel(tasks[4]), 2).await;
    first.commit().await;
    second.end().await.unwrap();
    third.end().await.unwrap();
    made_ready.commit().await;
    let events = vec![EventType::PipelineCreated, EventType::PipelineStarted];
    let expected = (PipelineStatus::Running, [2, 0, 2], events);
    assert_eq!(story(&dal, id).await, expected);
}
