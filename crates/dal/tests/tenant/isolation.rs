//! One tenant does all that there is to do, and the others are as they were.

use std::time::Duration;

use taskbox_dal::{DAL, Error, Result};
use taskbox_models::{
    Claim, EventType, NewPipelineExecution, NewTaskExecution, PipelineStatus, TaskStatus, Worker,
};
use taskbox_test_support::{TestDatabase, invariants};
use uuid::Uuid;

use crate::{support::task, tenant};

taskbox_test_support::suite! {
    postgres: [
        what_one_tenant_does_changes_nothing_elsewhere,
        what_one_tenant_has_no_other_can_read_or_change,
    ],
}

/// What a tenant has in the end.
struct Scene {
    pipeline: Uuid,
    ready: Uuid,
    running: Claim,
    worker: Worker,
}

/// Something of everything.
async fn scene(dal: &DAL, name: &str) -> Scene {
    let tasks = dal.task_execution();
    let new = NewPipelineExecution::new(name);
    let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
    let new = || NewTaskExecution::new(pipeline, name).id(Uuid::now_v7());
    let first = new();
    let first_id = first.id.unwrap();
    let graph = vec![first, new().after(&[first_id]), new().after(&[first_id])];
    tasks.create_many(graph).await.unwrap();
    tasks.mark_ready(first_id).await.unwrap();
    let worker = dal.worker().register(name).await.unwrap();
    let claims = tasks.claim(&worker, 9).await.unwrap();
    tasks.complete(&claims[0], None).await.unwrap();

    let mut claims = tasks.claim(&worker, 9).await.unwrap();
    assert_eq!(claims.len(), 2, "those that waited, and nobody else's");
    tasks
        .schedule_retry(&claims[0], "again", Duration::ZERO)
        .await
        .unwrap();
    let hour = Duration::from_hours(1);
    tasks.defer(&claims.pop().unwrap(), hour).await.unwrap();
    let running = tasks.claim(&worker, 1).await.unwrap().pop().unwrap();

    let alone = || NewTaskExecution::standalone(name);
    let [ready, skipped] = [
        tasks.create(alone()).await.unwrap().id,
        tasks.create(alone()).await.unwrap().id,
    ];
    tasks.mark_ready(ready).await.unwrap();
    tasks.skip(skipped, "not needed").await.unwrap();
    dal.pipeline_execution()
        .pause(pipeline, "lunch")
        .await
        .unwrap();
    Scene {
        pipeline,
        ready,
        running,
        worker,
    }
}

async fn what_one_tenant_does_changes_nothing_elsewhere(db: &TestDatabase) {
    let public = DAL::connect(db.url()).await.unwrap();
    let (a, b) = (tenant(db, "tenant_a").await, tenant(db, "tenant_b").await);
    scene(&public, "public").await;
    let others = [db.within("tenant_b"), db.within("public")];
    let mut before = Vec::new();
    for other in &others {
        before.push(other.dump().await);
    }
    let scene_of_a = scene(&a, "a").await;
    a.task_execution()
        .complete(&scene_of_a.running, None)
        .await
        .unwrap();
    a.pipeline_execution()
        .cancel(scene_of_a.pipeline)
        .await
        .unwrap();
    a.task_execution().recover_expired(9).await.unwrap();
    a.worker().deregister(scene_of_a.worker).await.unwrap();
    let done = a
        .execution_event()
        .prune(Duration::ZERO, 0, 99)
        .await
        .unwrap();
    assert!(done.tasks + done.pipelines > 0, "{done:?}");
    for (other, before) in others.iter().zip(before) {
        assert_eq!(other.dump().await, before);
    }
    assert_eq!(b.task_outbox().count_pending().await.unwrap(), 0);
    assert_eq!(public.task_outbox().count_pending().await.unwrap(), 1);
    invariants::assert(&db.within("tenant_a")).await;
}

fn is_unknown<T>(answer: &Result<T>) -> bool {
    matches!(
        answer,
        Err(Error::NotFound { .. } | Error::LeaseLost { .. })
    )
}

async fn what_one_tenant_has_no_other_can_read_or_change(db: &TestDatabase) {
    let (a, b) = (tenant(db, "tenant_a").await, tenant(db, "tenant_b").await);
    let theirs = scene(&b, "b").await;
    let before = db.within("tenant_b").dump().await;
    assert_changes_nothing(&a, &theirs).await;
    assert_sees_nothing(&a, &theirs).await;
    assert_eq!(db.within("tenant_b").dump().await, before);

    let same = NewTaskExecution::standalone("a").id(theirs.ready);
    let own = a.task_execution().create(same).await.unwrap().id;
    // An id is a tenant's own.
    assert_eq!(task::status(&a, own).await, TaskStatus::NotStarted);
    assert_eq!(task::status(&b, own).await, TaskStatus::Ready);
    let kept = b.pipeline_execution().get(theirs.pipeline).await.unwrap();
    assert_eq!(kept.status, PipelineStatus::Paused);
    invariants::assert(&db.within("tenant_a")).await;
    invariants::assert(&db.within("tenant_b")).await;
}

/// By each id and each claim that the other has.
async fn assert_changes_nothing(dal: &DAL, theirs: &Scene) {
    let (tasks, pipelines) = (dal.task_execution(), dal.pipeline_execution());
    assert!(is_unknown(&tasks.get(theirs.ready).await));
    assert!(is_unknown(&tasks.mark_ready(theirs.ready).await));
    assert!(is_unknown(&tasks.cancel(theirs.ready).await));
    assert!(is_unknown(&tasks.complete(&theirs.running, None).await));
    assert!(is_unknown(&tasks.release(&theirs.running).await));
    assert!(is_unknown(&tasks.claim(&theirs.worker, 9).await));
    assert!(is_unknown(&dal.worker().heartbeat(&theirs.worker).await));
    assert!(is_unknown(&pipelines.get(theirs.pipeline).await));
    assert!(is_unknown(&pipelines.resume(theirs.pipeline).await));
    let after = NewTaskExecution::standalone("a").after(&[theirs.ready]);
    assert!(tasks.create(after).await.is_err());
}

/// By each list, count and claim.
async fn assert_sees_nothing(dal: &DAL, theirs: &Scene) {
    let worker = dal.worker().register("a").await.unwrap();
    assert_eq!(dal.worker().list(9).await.unwrap().len(), 1);
    let tasks = dal.task_execution();
    assert!(tasks.claim(&worker, 9).await.unwrap().is_empty());
    let ready = tasks.list_by_status(TaskStatus::Ready, 9).await.unwrap();
    assert!(ready.is_empty());
    let listed = tasks.list_by_pipeline(theirs.pipeline).await.unwrap();
    assert!(listed.is_empty());
    assert!(tasks.next_due().await.unwrap().is_none());
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 0);
    assert!(dal.task_outbox().list_pending(9).await.unwrap().is_empty());
    let events = dal.execution_event();
    assert!(events.get_recent(9).await.unwrap().is_empty());
    assert!(events.list_by_task(theirs.ready).await.unwrap().is_empty());
    let created = events.list_by_type(EventType::TaskCreated, 9);
    assert!(created.await.unwrap().is_empty());
    let pipelines = dal.pipeline_execution().list_recent(9).await.unwrap();
    assert!(pipelines.is_empty());
}
