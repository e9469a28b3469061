//! Tasks and pipelines to meet on, and what became of them.

use std::time::Duration;

use taskbox_dal::{DAL, Error, Result};
use taskbox_models::{
    Claim, EventType, NewPipelineExecution, NewTaskExecution, PipelineStatus, TaskStatus, Worker,
};
use taskbox_test_support::{TestDatabase, canary::PAYLOAD};
use uuid::Uuid;

pub(crate) async fn connect(db: &TestDatabase) -> DAL {
    DAL::connect(db.url()).await.unwrap()
}

pub(crate) async fn standalone(dal: &DAL) -> Uuid {
    let new = NewTaskExecution::standalone("t").input(PAYLOAD);
    dal.task_execution().create(new).await.unwrap().id
}

pub(crate) async fn pipeline(dal: &DAL) -> Uuid {
    let new = NewPipelineExecution::new("p");
    dal.pipeline_execution().create(new).await.unwrap().id
}

pub(crate) async fn task_of(dal: &DAL, pipeline: Uuid) -> Uuid {
    let new = NewTaskExecution::new(pipeline, "t").input(PAYLOAD);
    dal.task_execution().create(new).await.unwrap().id
}

pub(crate) async fn scheduled(dal: &DAL) -> Uuid {
    let task = standalone(dal).await;
    let hour = Duration::from_hours(1);
    dal.task_execution().schedule(task, hour).await.unwrap();
    task
}

/// A Ready task whose row in the outbox is gone, as other software may leave it.
pub(crate) async fn ready_without_a_row(db: &TestDatabase, dal: &DAL) -> Uuid {
    let task = standalone(dal).await;
    dal.task_execution().mark_ready(task).await.unwrap();
    db.execute("DELETE FROM task_outbox").await;
    task
}

/// A task that is not ready, with a row in the outbox all the same.
pub(crate) async fn with_a_stale_row(db: &TestDatabase, dal: &DAL) -> Uuid {
    let task = standalone(dal).await;
    let id = db.uuid_literal(task);
    let sql = format!("INSERT INTO task_outbox (task_execution_id) VALUES ({id})");
    db.execute(&sql).await;
    task
}

/// Tasks that are ready, in a pipeline or not.
pub(crate) async fn ready(dal: &DAL, pipeline: Option<Uuid>, number: usize) -> Vec<Uuid> {
    let mut new = NewTaskExecution::standalone("t").input(PAYLOAD);
    new.pipeline_execution_id = pipeline;
    let made = dal.task_execution().create_many(vec![new; number]).await;
    let tasks: Vec<_> = made.unwrap().iter().map(|task| task.id).collect();
    let _ = dal.task_execution().mark_ready_many(&tasks).await.unwrap();
    tasks
}

/// A worker with what it has claimed: as many tasks as are named, of a pipeline or not.
pub(crate) async fn working(
    dal: &DAL,
    pipeline: Option<Uuid>,
    number: usize,
) -> (Worker, Vec<Claim>) {
    ready(dal, pipeline, number).await;
    let worker = dal.worker().register("w").await.unwrap();
    let claims = dal.task_execution().claim(&worker, 9).await.unwrap();
    assert_eq!(claims.len(), number);
    (worker, claims)
}

/// Lets every lease end.
pub(crate) async fn expire(db: &TestDatabase) {
    db.execute("UPDATE task_workers SET lease_expires_at = registered_at")
        .await;
}

pub(crate) fn assert_lost(result: &Result<()>, whose: &str) {
    assert!(
        matches!(result, Err(Error::LeaseLost { what, .. }) if *what == whose),
        "{result:?}"
    );
}

pub(crate) async fn status(dal: &DAL, task: Uuid) -> TaskStatus {
    dal.task_execution().get(task).await.unwrap().status
}

pub(crate) fn assert_conflict(result: Result<()>, found: TaskStatus) {
    match result {
        Err(Error::Conflict(conflict)) => assert_eq!(conflict.found, Some(found)),
        other => panic!("expected a conflict, got {other:?}"),
    }
}

/// What became of a pipeline: its status, its open, failed and cancelled tasks, and its own events.
pub(crate) async fn story(dal: &DAL, id: Uuid) -> (PipelineStatus, [i32; 3], Vec<EventType>) {
    let row = dal.pipeline_execution().get(id).await.unwrap();
    let events = dal.execution_event().list_by_pipeline(id).await.unwrap();
    let its_own = events
        .iter()
        .filter(|event| event.task_execution_id.is_none());
    let counters = [row.open_tasks, row.failed_tasks, row.cancelled_tasks];
    (
        row.status,
        counters,
        its_own.map(|event| event.event_type).collect(),
    )
}
