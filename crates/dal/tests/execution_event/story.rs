//! What the history tells of a task and of a pipeline.

use std::time::Duration;

use chrono::SecondsFormat;
use serde_json::{Value, json};
use taskbox_dal::Error;
use taskbox_models::{EventType, ExecutionEvent, NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

use crate::support::{
    connect::connect, due_at::due_at, lifecycle::task_in, pipeline::pipeline,
    refusal::assert_refused,
};

taskbox_test_support::suite! {
    a_task_tells_its_life_in_order,
    a_task_that_is_not_needed_tells_why,
    a_reason_that_cannot_be_kept_is_refused,
    a_pipeline_tells_its_own_life_and_that_of_its_tasks,
    what_is_unknown_has_no_history,
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
