//! A database with some of everything.

use std::time::Duration;

use serde_json::json;
use taskbox_dal::DAL;
use taskbox_models::{NewPipelineExecution, NewTaskExecution};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

pub(crate) struct Scene {
    /// A pipeline that is paused: two tasks that are Ready, and one that waits for them.
    pub(crate) paused: Uuid,
    /// A pipeline that runs, as its task does.
    pub(crate) running: Uuid,
    /// The task that runs, by host-1.
    pub(crate) runs: Uuid,
    /// A task of its own that was tried twice, and failed.
    pub(crate) failed: Uuid,
    /// The one that waits.
    pub(crate) waits: Uuid,
}

pub(crate) async fn connect(db: &TestDatabase) -> DAL {
    DAL::connect(db.url()).await.unwrap()
}

async fn pipeline(dal: &DAL, name: &str) -> Uuid {
    let new = NewPipelineExecution::new(name);
    dal.pipeline_execution().create(new).await.unwrap().id
}

async fn ready(dal: &DAL, new: NewTaskExecution) -> Uuid {
    let task = dal.task_execution().create(new).await.unwrap();
    dal.task_execution().mark_ready(task.id).await.unwrap();
    task.id
}

pub(crate) async fn scene(db: &TestDatabase) -> Scene {
    let dal = connect(db).await;
    let failed = fail(&dal).await;
    let running = pipeline(&dal, "report").await;
    let new = NewTaskExecution::new(running, "print").queue("paper");
    let runs = ready(&dal, new).await;
    let worker = dal.worker().register("host-1").await.unwrap();
    assert_eq!(
        dal.task_execution().claim(&worker, 9).await.unwrap().len(),
        1
    );

    let paused = pipeline(&dal, "import").await;
    let fetch = |n: i32| NewTaskExecution::new(paused, "fetch").input(json!({ "page": n }));
    let fetched = [ready(&dal, fetch(1)).await, ready(&dal, fetch(2)).await];
    let new = NewTaskExecution::new(paused, "index").after(&fetched);
    let waits = dal.task_execution().create(new).await.unwrap().id;
    dal.pipeline_execution()
        .pause(paused, "lunch")
        .await
        .unwrap();

    ready(&dal, NewTaskExecution::standalone("mail").queue("mail")).await;
    let later = NewTaskExecution::standalone("mail").queue("mail");
    let later = dal.task_execution().create(later).await.unwrap().id;
    let hour = Duration::from_hours(1);
    dal.task_execution().schedule(later, hour).await.unwrap();
    Scene {
        paused,
        running,
        runs,
        failed,
        waits,
    }
}

/// By a worker that is gone.
async fn fail(dal: &DAL) -> Uuid {
    let new = NewTaskExecution::standalone("resize").max_attempts(2);
    let failed = ready(dal, new.input(json!({"path": "a.png"}))).await;
    let worker = dal.worker().register("host-0").await.unwrap();
    for error in ["out of memory", "out of\nmemory \u{1b}[31magain"] {
        let claims = dal.task_execution().claim(&worker, 1).await.unwrap();
        let retry = dal.task_execution();
        retry
            .schedule_retry(&claims[0], error, Duration::ZERO)
            .await
            .unwrap();
    }
    dal.worker().deregister(worker).await.unwrap();
    failed
}
