//! Pipelines that are paused and resumed: workers get none of their tasks meanwhile, and nothing else changes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
}

use std::time::Duration;

use support::{connect::connect, pipeline::pipeline, refusal::assert_refused};
use taskbox_dal::{DAL, Error, Tx};
use taskbox_models::{Claim, EventType, NewTaskExecution, PipelineStatus, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    workers_get_no_task_of_a_paused_pipeline,
    what_becomes_ready_in_a_paused_pipeline_waits,
    tasks_that_run_go_on_and_end_the_paused_pipeline,
    a_pipeline_that_is_paused_before_it_starts_is_resumed_to_where_its_tasks_are,
    the_reason_is_kept_while_it_is_paused_and_in_the_history,
    a_pipeline_is_paused_once_and_resumed_once,
    a_pipeline_that_has_ended_is_neither_paused_nor_resumed,
    an_unknown_pipeline_is_not_found,
    a_reason_that_cannot_be_kept_is_refused,
    a_task_is_made_ready_and_its_pipeline_paused_in_one_transaction,
}

struct Scene {
    dal: DAL,
    pipeline: Uuid,
    worker: Worker,
}

impl Scene {
    async fn new(db: &TestDatabase) -> Self {
        let dal = connect(db).await;
        let pipeline = pipeline(&dal).await;
        let worker = dal.worker().register("w").await.unwrap();
        Self {
            dal,
            pipeline,
            worker,
        }
    }

    async fn task(&self) -> Uuid {
        let new = NewTaskExecution::new(self.pipeline, "t");
        self.dal.task_execution().create(new).await.unwrap().id
    }

    async fn ready(&self) -> Uuid {
        let task = self.task().await;
        self.dal.task_execution().mark_ready(task).await.unwrap();
        task
    }

    async fn pause(&self) {
        let pipelines = self.dal.pipeline_execution();
        pipelines.pause(self.pipeline, "lunch").await.unwrap();
    }

    async fn resume(&self) {
        let pipelines = self.dal.pipeline_execution();
        pipelines.resume(self.pipeline).await.unwrap();
    }

    async fn claim(&self) -> Vec<Claim> {
        let tasks = self.dal.task_execution();
        tasks.claim(&self.worker, 100).await.unwrap()
    }

    async fn claimed(&self) -> Vec<Uuid> {
        let claims = self.claim().await;
        claims.iter().map(Claim::task_execution_id).collect()
    }

    async fn status(&self) -> PipelineStatus {
        let pipelines = self.dal.pipeline_execution();
        pipelines.get(self.pipeline).await.unwrap().status
    }
}

async fn workers_get_no_task_of_a_paused_pipeline(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let tasks = || scene.dal.task_execution();
    let held = [scene.ready().await, scene.ready().await];
    let other = tasks().create(NewTaskExecution::standalone("t")).await;
    let other = other.unwrap().id;
    tasks().mark_ready(other).await.unwrap();
    scene.pause().await;
    assert_eq!(scene.status().await, PipelineStatus::Paused);
    assert_eq!(scene.claimed().await, [other]);
    let from_queue = tasks().claim_from(&scene.worker, &["default"], 9).await;
    assert_eq!(from_queue.unwrap().len(), 0);
    scene.resume().await;
    assert_eq!(scene.status().await, PipelineStatus::Running);
    assert_eq!(scene.claimed().await, held);
}

/// By every way that leads to Ready.
async fn what_becomes_ready_in_a_paused_pipeline_waits(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let tasks = || scene.dal.task_execution();
    let first = scene.ready().await;
    let dependent = NewTaskExecution::new(scene.pipeline, "t").after(&[first]);
    tasks().create(dependent).await.unwrap();
    for _ in 0..3 {
        scene.ready().await;
    }
    let claims = scene.claim().await;
    let due = scene.task().await;
    let by_hand = scene.task().await;
    let cancelled = scene.task().await;
    tasks().cancel(cancelled).await.unwrap();
    scene.pause().await;

    let [first, released, retried, lost] = claims.as_slice() else {
        panic!("four tasks were ready, and not {}", claims.len());
    };
    tasks().complete(first, None).await.unwrap();
    tasks().release(released).await.unwrap();
    let retry = tasks().schedule_retry(retried, "broken", Duration::ZERO);
    retry.await.unwrap();
    tasks().schedule(due, Duration::ZERO).await.unwrap();
    tasks().mark_ready(by_hand).await.unwrap();
    tasks().redrive(cancelled).await.unwrap();
    db.execute("UPDATE task_workers SET lease_expires_at = registered_at")
        .await;
    let recovered = tasks().recover_expired(9).await.unwrap().recovered;
    assert_eq!(recovered, [lost.task_execution_id()]);

    let worker = scene.dal.worker().register("w").await.unwrap();
    let claim = async || tasks().claim(&worker, 9).await.unwrap().len();
    assert_eq!(claim().await, 0);
    scene.resume().await;
    // The scheduled one is due by a clock that may have milliseconds.
    let mut claimed = 0;
    while claimed < 7 {
        claimed += claim().await;
    }
}

async fn tasks_that_run_go_on_and_end_the_paused_pipeline(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    scene.ready().await;
    let claims = scene.claim().await;
    scene.pause().await;
    let tasks = scene.dal.task_execution();
    tasks.complete(&claims[0], None).await.unwrap();
    let ended = scene.dal.pipeline_execution().get(scene.pipeline).await;
    let ended = ended.unwrap();
    assert_eq!(ended.status, PipelineStatus::Completed);
    assert_eq!(ended.pause_reason, None);
}

async fn a_pipeline_that_is_paused_before_it_starts_is_resumed_to_where_its_tasks_are(
    db: &TestDatabase,
) {
    let scene = Scene::new(db).await;
    for _ in 0..2 {
        scene.pause().await;
        scene.resume().await;
        assert_eq!(scene.status().await, PipelineStatus::Pending);
        scene.task().await;
    }
    scene.pause().await;
    let task = scene.ready().await;
    assert_eq!(scene.status().await, PipelineStatus::Paused);
    scene.resume().await;
    assert_eq!(scene.status().await, PipelineStatus::Running);
    assert_eq!(scene.claimed().await, [task]);
}

async fn the_reason_is_kept_while_it_is_paused_and_in_the_history(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let reason = async || {
        let found = scene.dal.pipeline_execution().get(scene.pipeline).await;
        found.unwrap().pause_reason
    };
    scene.pause().await;
    assert_eq!(reason().await.as_deref(), Some("lunch"));
    scene.resume().await;
    assert_eq!(reason().await, None);
    let events = scene.dal.execution_event();
    let events = events.list_by_pipeline(scene.pipeline).await.unwrap();
    let said: Vec<_> = events
        .into_iter()
        .map(|event| (event.event_type, event.event_data))
        .collect();
    let lunch = serde_json::json!({ "reason": "lunch" });
    assert_eq!(
        said,
        [
            (EventType::PipelineCreated, None),
            (EventType::PipelinePaused, Some(lunch)),
            (EventType::PipelineResumed, None),
        ]
    );
}

async fn a_pipeline_is_paused_once_and_resumed_once(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let pipeline = scene.pipeline;
    let pipelines = || scene.dal.pipeline_execution();
    let expected = Error::PipelineConflict {
        pipeline,
        expected: &[PipelineStatus::Paused],
        found: PipelineStatus::Pending,
    };
    assert_refused(db, pipelines().resume(pipeline), expected).await;
    scene.pause().await;
    let expected = Error::PipelineConflict {
        pipeline,
        expected: &[PipelineStatus::Pending, PipelineStatus::Running],
        found: PipelineStatus::Paused,
    };
    assert_refused(db, pipelines().pause(pipeline, "dinner"), expected).await;
}

async fn a_pipeline_that_has_ended_is_neither_paused_nor_resumed(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let task = scene.ready().await;
    scene.dal.task_execution().cancel(task).await.unwrap();
    let pipelines = || scene.dal.pipeline_execution();
    for refused in [
        pipelines().pause(scene.pipeline, "lunch").await,
        pipelines().resume(scene.pipeline).await,
    ] {
        let error = refused.unwrap_err();
        assert!(
            error.to_string().contains("is Cancelled, expected "),
            "{error}"
        );
    }
}

async fn an_unknown_pipeline_is_not_found(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let pipelines = || scene.dal.pipeline_execution();
    let id = Uuid::now_v7();
    let what = "pipeline";
    assert_refused(
        db,
        pipelines().pause(id, "lunch"),
        Error::NotFound { what, id },
    )
    .await;
    assert_refused(db, pipelines().resume(id), Error::NotFound { what, id }).await;
}

async fn a_reason_that_cannot_be_kept_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let expected = Error::InvalidInput {
        what: "reason",
        problem: "has a NUL character at byte 1, which databases cannot keep".to_owned(),
    };
    let pause = scene.dal.pipeline_execution().pause(scene.pipeline, "a\0b");
    assert_refused(db, pause, expected).await;
}

async fn a_task_is_made_ready_and_its_pipeline_paused_in_one_transaction(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let (before, after) = (scene.task().await, scene.task().await);
    let paused = scene.dal.transaction(async |tx: &mut Tx<'_>| {
        tx.task_execution().mark_ready(before).await?;
        tx.pipeline_execution()
            .pause(scene.pipeline, "lunch")
            .await?;
        tx.task_execution().mark_ready(after).await
    });
    paused.await.unwrap();
    assert_eq!(scene.claim().await, []);
    scene.resume().await;
    assert_eq!(scene.claimed().await, [before, after]);
}
