//! What `dal.execution_event()` promises: the whole history, in order, and with what there is to say.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod due_at;
    pub(crate) mod lifecycle;
    pub(crate) mod limit;
    pub(crate) mod moment;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
    pub(crate) mod run;
}

use std::time::Duration;

use chrono::SecondsFormat;
use serde_json::{Value, json};
use support::{
    connect::connect,
    due_at::due_at,
    lifecycle::task_in,
    limit::negative,
    moment::{backdate, long_ago},
    pipeline::pipeline,
    refusal::assert_refused,
};
use taskbox_dal::{DAL, Error};
use taskbox_models::{EventType, ExecutionEvent, NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

taskbox_test_support::suite! {
    a_task_tells_its_life_in_order,
    a_task_that_is_not_needed_tells_why,
    a_reason_that_cannot_be_kept_is_refused,
    a_pipeline_tells_its_own_life_and_that_of_its_tasks,
    what_is_unknown_has_no_history,
    a_type_lists_its_newest_events_first,
    the_recent_events_come_newest_first,
    a_negative_limit_is_refused,
    old_events_are_counted_and_deleted,
    the_events_of_one_transaction_carry_its_number,
}

/// What an event says: its task, its type and its data.
type Said = (Option<Uuid>, EventType, Option<Value>);

fn said(events: Vec<ExecutionEvent>) -> Vec<Said> {
    let said =
        |event: ExecutionEvent| (event.task_execution_id, event.event_type, event.event_data);
    events.into_iter().map(said).collect()
}

async fn a_task_tells_its_life_in_order(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task_in(&dal, None, TaskStatus::Scheduled).await;
    task_in(&dal, None, TaskStatus::Scheduled).await;
    let due_at = due_at(db, task).await;
    dal.task_execution().mark_ready(task).await.unwrap();
    dal.task_execution().cancel(task).await.unwrap();

    let events = dal.execution_event().list_by_task(task).await.unwrap();
    assert!(events.is_sorted_by(|a, b| a.id < b.id && a.created_at <= b.created_at));
    assert!(
        events
            .iter()
            .all(|event| event.pipeline_execution_id.is_none())
    );
    let due_at = due_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let expected = [
        (Some(task), EventType::TaskCreated, None),
        (
            Some(task),
            EventType::TaskScheduled,
            Some(json!({"due_at": due_at})),
        ),
        (Some(task), EventType::TaskMarkedReady, None),
        (Some(task), EventType::TaskCancelled, None),
    ];
    assert_eq!(said(events), expected);
}

async fn a_task_that_is_not_needed_tells_why(db: &TestDatabase) {
    let dal = connect(db).await;
    for reason in ["", "not needed", "π 🦀 \" \\ ' $1 ? \u{1} %\n{\"a\": null}"] {
        let task = task_in(&dal, None, TaskStatus::NotStarted).await;
        dal.task_execution().skip(task, reason).await.unwrap();
        let events = dal.execution_event().list_by_task(task).await.unwrap();
        let expected = [
            (Some(task), EventType::TaskCreated, None),
            (
                Some(task),
                EventType::TaskSkipped,
                Some(json!({"reason": reason})),
            ),
        ];
        assert_eq!(said(events), expected);
    }
}

async fn a_reason_that_cannot_be_kept_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task_in(&dal, None, TaskStatus::NotStarted).await;
    let expected = Error::InvalidInput {
        what: "reason",
        problem: "has a NUL character at byte 3, which databases cannot keep".to_owned(),
    };
    assert_refused(db, dal.task_execution().skip(task, "not\0needed"), expected).await;
}

async fn a_pipeline_tells_its_own_life_and_that_of_its_tasks(db: &TestDatabase) {
    let dal = connect(db).await;
    let (mine, other) = (pipeline(&dal).await, pipeline(&dal).await);
    let new = vec![NewTaskExecution::new(mine, "a"); 2];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let (first, second) = (made[0].id, made[1].id);
    for elsewhere in [None, Some(other)] {
        task_in(&dal, elsewhere, TaskStatus::Failed).await;
    }
    let ready = dal.task_execution().mark_ready_many(&[second, first]).await;
    assert_eq!(ready.unwrap().refused, []);
    dal.task_execution().cancel(first).await.unwrap();
    dal.task_execution().cancel(second).await.unwrap();

    let events = dal.execution_event().list_by_pipeline(mine).await.unwrap();
    assert!(events.is_sorted_by(|a, b| a.id < b.id && a.created_at <= b.created_at));
    assert!(
        events
            .iter()
            .all(|event| event.pipeline_execution_id == Some(mine))
    );
    let expected = [
        (None, EventType::PipelineCreated, None),
        (Some(first), EventType::TaskCreated, None),
        (Some(second), EventType::TaskCreated, None),
        (None, EventType::PipelineStarted, None),
        (Some(second), EventType::TaskMarkedReady, None),
        (Some(first), EventType::TaskMarkedReady, None),
        (Some(first), EventType::TaskCancelled, None),
        (Some(second), EventType::TaskCancelled, None),
        (None, EventType::PipelineCancelled, None),
    ];
    assert_eq!(said(events), expected);
}

async fn what_is_unknown_has_no_history(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    let task = task_in(&dal, Some(pipeline), TaskStatus::Ready).await;
    let events = || dal.execution_event();
    // A task is no pipeline, and a pipeline no task.
    for id in [Uuid::now_v7(), pipeline] {
        assert_eq!(events().list_by_task(id).await.unwrap(), []);
    }
    for id in [Uuid::now_v7(), task] {
        assert_eq!(events().list_by_pipeline(id).await.unwrap(), []);
    }
}

async fn a_type_lists_its_newest_events_first(db: &TestDatabase) {
    let dal = connect(db).await;
    // One type that most events are of, and one that few are.
    for event_type in [EventType::TaskCreated, EventType::TaskCancelled] {
        let mut newest = Vec::new();
        for _ in 0..3 {
            newest.insert(0, task_in(&dal, None, TaskStatus::Cancelled).await);
        }
        for (limit, count) in [(3, 3), (2, 2), (0, 0)] {
            let events = dal.execution_event();
            let events = events.list_by_type(event_type, limit).await.unwrap();
            assert!(events.iter().all(|event| event.event_type == event_type));
            let tasks: Vec<_> = events.iter().filter_map(|e| e.task_execution_id).collect();
            assert_eq!(tasks, newest[..count]);
        }
    }
    for event_type in EventType::ALL.iter().copied() {
        let listed = dal
            .execution_event()
            .list_by_type(event_type, i64::MAX)
            .await;
        let recent = dal.execution_event().get_recent(i64::MAX).await.unwrap();
        let of_type = recent
            .into_iter()
            .filter(|event| event.event_type == event_type);
        assert_eq!(listed.unwrap(), of_type.collect::<Vec<_>>());
    }
}

async fn the_recent_events_come_newest_first(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    for task in [None, Some(pipeline)] {
        task_in(&dal, task, TaskStatus::Cancelled).await;
    }
    let recent = dal.execution_event().get_recent(99).await.unwrap();
    assert!(recent.is_sorted_by(|a, b| a.id > b.id));
    let types: Vec<_> = recent.iter().map(|event| event.event_type).collect();
    let expected = [
        EventType::PipelineCancelled,
        EventType::TaskCancelled,
        EventType::PipelineStarted,
        EventType::TaskCreated,
        EventType::TaskCancelled,
        EventType::TaskCreated,
        EventType::PipelineCreated,
    ];
    assert_eq!(types, expected);
    for limit in 0..=expected.len() {
        let newest = dal
            .execution_event()
            .get_recent(i64::try_from(limit).unwrap());
        assert_eq!(newest.await.unwrap(), recent[..limit]);
    }
}

async fn a_negative_limit_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    for limit in [-1, i64::MIN] {
        let events = dal.execution_event().get_recent(limit);
        assert_refused(db, events, negative(limit)).await;
        let events = dal
            .execution_event()
            .list_by_type(EventType::TaskCreated, limit);
        assert_refused(db, events, negative(limit)).await;
    }
}

async fn old_events_are_counted_and_deleted(db: &TestDatabase) {
    // A history without its beginning is what was asked for.
    db.is_broken_on_purpose();
    let dal = connect(db).await;
    let task = task_in(&dal, Some(pipeline(&dal).await), TaskStatus::Ready).await;
    let events = dal.execution_event().get_recent(99).await.unwrap();
    assert_eq!(events.len(), 4);
    for (index, event) in events.iter().take(3).enumerate() {
        let moment = long_ago(i64::try_from(index).unwrap());
        backdate(db, "execution_events", event.id, moment).await;
    }
    let before = db.dump().await;
    for (cutoff, older) in [(0, 0), (1, 1), (2, 2)] {
        let cutoff = long_ago(cutoff);
        assert_eq!(
            dal.execution_event()
                .count_older_than(cutoff)
                .await
                .unwrap(),
            older
        );
    }
    assert_eq!(delete_older_than(&dal, 0).await, 0);
    assert_eq!(db.dump().await, before);
    assert_eq!(delete_older_than(&dal, 2).await, 2);
    assert_eq!(delete_older_than(&dal, 2).await, 0);
    let left = dal.execution_event().get_recent(99).await.unwrap();
    let ids: Vec<_> = left.iter().map(|event| event.id).collect();
    assert_eq!(ids, [events[2].id, events[3].id]);
    assert_eq!(delete_older_than(&dal, 1_000).await, 1);
    // The tasks are as they were.
    let mut after = db.dump().await;
    after.insert("execution_events", before["execution_events"].clone());
    assert_eq!(after, before);
    assert_eq!(
        dal.task_execution().get(task).await.unwrap().status,
        TaskStatus::Ready
    );
}

async fn delete_older_than(dal: &DAL, seconds: i64) -> usize {
    let cutoff = long_ago(seconds);
    dal.execution_event()
        .delete_older_than(cutoff)
        .await
        .unwrap()
}

async fn the_events_of_one_transaction_carry_its_number(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let pipeline = pipeline(&dal).await;
        let made = dal.transaction(async |tx| {
            let new = vec![NewTaskExecution::new(pipeline, "a"); 2];
            let made = tx.task_execution().create_many(new).await?;
            tx.task_execution().mark_ready(made[0].id).await?;
            let hour = Duration::from_hours(1);
            tx.task_execution().schedule(made[1].id, hour).await?;
            Ok::<_, Error>(made)
        });
        made.await.unwrap();
        let events = dal.execution_event().list_by_pipeline(pipeline).await;
        let events = events.unwrap();
        assert_eq!(events.len(), 6);
        // The first is the pipeline's making, in a transaction before.
        for transaction in [&events[..1], &events[1..]] {
            let number = transaction[0].transaction_id;
            assert!(
                transaction
                    .iter()
                    .all(|event| event.transaction_id == number)
            );
            numbers.push(number);
        }
    }
    match db.backend() {
        Backend::Postgres => assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}"),
        Backend::Sqlite => assert_eq!(numbers, [0; 4]),
    }
}
