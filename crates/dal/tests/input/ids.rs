//! Ids of nothing, and ids given twice.

use std::time::Duration;

use taskbox_dal::Invariant;
use taskbox_models::{Claim, NewTaskExecution, NewTaskOutbox, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    run::run,
    scene::{Call, Scene, assert_each, counted},
};

const NOW: Duration = Duration::ZERO;

pub(crate) async fn an_unknown_id_is_not_found(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    for id in [Uuid::nil(), Uuid::max(), Uuid::now_v7(), scene.worker.id] {
        nothing_is_there(db, &scene, id).await;
        nothing_is_to_list(db, &scene, id).await;
    }
    // What is known to another database.
    let other = TestDatabase::create(db.backend()).await;
    let other = Scene::new(&other).await;
    workers_of_another(db, &scene, &other.worker).await;
    ends_of_another(db, &scene, &other.claim).await;
}

async fn nothing_is_there(db: &TestDatabase, scene: &Scene, id: Uuid) {
    let (tasks, pipelines) = (
        || scene.dal.task_execution(),
        || scene.dal.pipeline_execution(),
    );
    let row = NewTaskOutbox {
        task_execution_id: id,
    };
    let calls = calls! {
        "task_execution.get": tasks().get(id),
        "task_execution.dependency_outputs": tasks().dependency_outputs(id),
        "task_execution.mark_ready": tasks().mark_ready(id),
        "task_execution.schedule": tasks().schedule(id, NOW),
        "task_execution.skip": tasks().skip(id, ""),
        "task_execution.cancel": tasks().cancel(id),
        "task_execution.redrive": tasks().redrive(id),
        "task_outbox.create": scene.dal.task_outbox().create(row),
    };
    assert_each(db, calls, "no task").await;
    let task = || NewTaskExecution::new(id, "t");
    let calls = calls! {
        "pipeline_execution.get": pipelines().get(id),
        "pipeline_execution.wait": pipelines().wait(id),
        "pipeline_execution.cancel": pipelines().cancel(id),
        "pipeline_execution.pause": pipelines().pause(id, ""),
        "pipeline_execution.resume": pipelines().resume(id),
        "task_execution.create": tasks().create(task()),
        "task_execution.create_many": tasks().create_many(vec![task(), task()]),
    };
    assert_each(db, calls, "no pipeline").await;
    let after = NewTaskExecution::new(scene.pipeline, "t").after(&[scene.task, id]);
    let calls = calls! { "task_execution.create": tasks().create(after) };
    assert_each(db, calls, "no dependency").await;
}

async fn nothing_is_to_list(db: &TestDatabase, scene: &Scene, id: Uuid) {
    let (tasks, events) = (
        || scene.dal.task_execution(),
        || scene.dal.execution_event(),
    );
    let ids = [id, id];
    let calls = calls! {
        "task_execution.list_by_pipeline": tasks().list_by_pipeline(id),
        "task_execution.count_by_status": tasks().count_by_status(id),
        "task_execution.dependencies": tasks().dependencies(&ids, 9),
        "execution_event.list_by_task": events().list_by_task(id),
        "execution_event.list_by_pipeline": events().list_by_pipeline(id),
    };
    assert_each(db, calls, "[]").await;
    let calls = calls! {
        "task_outbox.delete": scene.dal.task_outbox().delete(i64::MIN),
        "task_outbox.delete": scene.dal.task_outbox().delete(i64::MAX),
        "task_outbox.delete_by_task": scene.dal.task_outbox().delete_by_task(id),
    };
    assert_each(db, calls, "false").await;
    let calls = calls! {
        "task_execution.mark_ready_many": async { counted(tasks().mark_ready_many(&ids).await) },
    };
    assert_each(db, calls, "(0, 1)").await;
    for invariant in Invariant::ALL {
        let doctor = || scene.dal.doctor();
        let calls = calls! { "doctor.mend": doctor().mend(invariant, &ids) };
        assert_each(db, calls, "0").await;
    }
}

async fn workers_of_another(db: &TestDatabase, scene: &Scene, worker: &Worker) {
    let tasks = || scene.dal.task_execution();
    let calls = calls! {
        "worker.heartbeat": scene.dal.worker().heartbeat(worker),
        "task_execution.claim": tasks().claim(worker, 1),
        "task_execution.claim_from": tasks().claim_from(worker, &["default"], 1),
    };
    assert_each(db, calls, "lost worker").await;
    let gone = scene.dal.worker().deregister(worker.clone());
    assert_each(db, calls! { "worker.deregister": gone }, "()").await;
}

async fn ends_of_another(db: &TestDatabase, scene: &Scene, claim: &Claim) {
    let tasks = || scene.dal.task_execution();
    let calls = calls! {
        "task_execution.complete": tasks().complete(claim, None),
        "task_execution.fail": tasks().fail(claim, "no"),
        "task_execution.schedule_retry": tasks().schedule_retry(claim, "no", NOW),
        "task_execution.defer": tasks().defer(claim, NOW),
        "task_execution.release": tasks().release(claim),
    };
    assert_each(db, calls, "lost task").await;
    assert_each(db, batches(scene, claim), "(0, 1)").await;
}

/// Every end of an attempt, twice in one batch.
fn batches<'a>(scene: &'a Scene, claim: &'a Claim) -> Vec<Call<'a>> {
    let tasks = || scene.dal.task_execution();
    let no = String::from("no");
    let completed = vec![(claim.clone(), None); 2];
    let failed = vec![(claim.clone(), no.clone()); 2];
    let retried = vec![(claim.clone(), no, NOW); 2];
    let deferred = vec![(claim.clone(), NOW); 2];
    let released = vec![claim.clone(); 2];
    calls! {
        "task_execution.complete_many": async move { counted(tasks().complete_many(&completed).await) },
        "task_execution.fail_many": async move { counted(tasks().fail_many(&failed).await) },
        "task_execution.schedule_retry_many": async move { counted(tasks().schedule_retry_many(&retried).await) },
        "task_execution.defer_many": async move { counted(tasks().defer_many(&deferred).await) },
        "task_execution.release_many": async move { counted(tasks().release_many(&released).await) },
    }
}

pub(crate) async fn an_id_given_twice_counts_once(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let tasks = || scene.dal.task_execution();
    let id = Uuid::now_v7();
    let twice = vec![NewTaskExecution::standalone("a").id(id); 2];
    let calls = calls! { "task_execution.create_many": tasks().create_many(twice) };
    assert_each(db, calls, "invalid id").await;

    let after = NewTaskExecution::new(scene.pipeline, "t").after(&[scene.task, scene.task]);
    let waits = tasks().create(after).await.unwrap();
    assert_eq!(waits.open_dependencies, 1);
    let moved = tasks().mark_ready_many(&[scene.task, scene.task]).await;
    assert_eq!(counted(moved).unwrap(), (1, 0));

    let number = batches(&scene, &scene.claim).len();
    for end in 0..number {
        let (_, claim) = run(&scene.dal, NewTaskExecution::standalone("a")).await;
        let call = batches(&scene, &claim).remove(end);
        assert_eq!(call.answer.await.unwrap(), "(1, 0)", "{}", call.name);
    }
    let queues = ["default", "default"];
    let claims = tasks().claim_from(&scene.worker, &queues, 9).await.unwrap();
    assert_eq!(claims.len(), 1);
    let of_first = tasks().claim_from(&scene.worker, &queues, 9).await;
    assert!(of_first.unwrap().is_empty());
}
