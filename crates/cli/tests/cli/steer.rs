//! The commands that change something.

use taskbox_models::{PipelineStatus, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{
    program::{Run, assert_transcript, run},
    scene::{connect, scene},
};

taskbox_test_support::suite! {
    a_dry_run_says_what_would_be_done_and_does_nothing,
    tasks_are_retried,
    failed_tasks_are_found_and_retried,
    tasks_and_pipelines_are_cancelled_together,
    pipelines_are_paused_and_resumed,
    nothing_is_done_if_one_of_the_subjects_is_elsewhere,
}

async fn status_of(db: &TestDatabase, task: Uuid) -> TaskStatus {
    let dal = connect(db).await;
    dal.task_execution().get(task).await.unwrap().status
}

async fn pipeline_status_of(db: &TestDatabase, pipeline: Uuid) -> PipelineStatus {
    let dal = connect(db).await;
    dal.pipeline_execution().get(pipeline).await.unwrap().status
}

async fn a_dry_run_says_what_would_be_done_and_does_nothing(db: &TestDatabase) {
    let scene = scene(db).await;
    let (runs, paused) = (scene.runs.to_string(), scene.paused.to_string());
    let failed = scene.failed.to_string();
    let before = db.dump().await;
    let arguments: [&[&str]; 5] = [
        &["cancel", "--dry-run", &runs, &paused],
        &["resume", "--dry-run", &paused],
        &["pause", "--dry-run", &scene.running.to_string()],
        &["retry", "--dry-run", &failed],
        &["retry", "--dry-run", "--failed"],
    ];
    let runs: Vec<Run> = arguments.iter().map(|it| run(db.url(), it)).collect();
    assert_eq!(db.dump().await, before);
    assert_transcript("dry_run", &runs);
}

async fn tasks_are_retried(db: &TestDatabase) {
    let scene = scene(db).await;
    let failed = scene.failed.to_string();
    // Twice the same is once.
    let retry = run(db.url(), &["retry", &failed, &failed]);
    assert_eq!(status_of(db, scene.failed).await, TaskStatus::Ready);
    let again = run(db.url(), &["retry", &failed]);
    assert_transcript("retry", &[retry, again]);
}

async fn failed_tasks_are_found_and_retried(db: &TestDatabase) {
    let scene = scene(db).await;
    let other = ["retry", "--failed", "--name", "mail"];
    let runs = [
        run(db.url(), &other),
        run(db.url(), &["retry", "--failed", "--name", "resize"]),
        run(db.url(), &["retry", "--failed", "--queue", "default"]),
    ];
    assert_eq!(status_of(db, scene.failed).await, TaskStatus::Ready);
    assert_transcript("retry_failed", &runs);
}

async fn tasks_and_pipelines_are_cancelled_together(db: &TestDatabase) {
    let scene = scene(db).await;
    let ids = [scene.runs, scene.paused].map(|id| id.to_string());
    let cancel = run(db.url(), &["cancel", &ids[0], &ids[1]]);
    assert_eq!(status_of(db, scene.runs).await, TaskStatus::Cancelled);
    let paused = pipeline_status_of(db, scene.paused).await;
    assert_eq!(paused, PipelineStatus::Cancelled);
    assert_transcript("cancel", &[cancel]);
}

async fn pipelines_are_paused_and_resumed(db: &TestDatabase) {
    let scene = scene(db).await;
    let id = scene.paused.to_string();
    let resume = run(db.url(), &["resume", &id]);
    let resumed = pipeline_status_of(db, scene.paused).await;
    assert_eq!(resumed, PipelineStatus::Running);
    let pause = run(db.url(), &["pause", &id, "--reason", "tea"]);
    let dal = connect(db).await;
    let found = dal.pipeline_execution().get(scene.paused).await.unwrap();
    assert_eq!(found.pause_reason.as_deref(), Some("tea"));
    let again = run(db.url(), &["pause", &id]);
    assert_transcript("pause", &[resume, pause, again]);
}

async fn nothing_is_done_if_one_of_the_subjects_is_elsewhere(db: &TestDatabase) {
    let scene = scene(db).await;
    let before = db.dump().await;
    let ids = [scene.runs, scene.failed].map(|id| id.to_string());
    let cancel = run(db.url(), &["cancel", &ids[0], &ids[1]]);
    assert_eq!(cancel.code, 3);
    assert_eq!(db.dump().await, before);
    assert_transcript("refused", &[cancel]);
}
