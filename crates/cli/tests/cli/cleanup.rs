//! Deleting what ended long ago.

use taskbox_test_support::TestDatabase;

use crate::support::{
    program::{assert_transcript, run},
    scene::{connect, scene},
};

taskbox_test_support::suite! {
    what_has_ended_is_deleted_and_the_rest_stays,
    a_dry_run_counts_and_deletes_nothing,
}

async fn what_has_ended_is_deleted_and_the_rest_stays(db: &TestDatabase) {
    let scene = scene(db).await;
    let dal = connect(db).await;
    dal.pipeline_execution().cancel(scene.paused).await.unwrap();
    let young = run(db.url(), &["cleanup", "--older-than", "1d"]);
    let old = run(db.url(), &["cleanup", "--older-than", "0s"]);
    let again = run(db.url(), &["cleanup", "--older-than", "0s"]);
    assert_transcript("cleanup", &[young, old, again]);
    for task in [scene.failed, scene.waits] {
        assert!(dal.task_execution().get(task).await.is_err());
    }
    dal.task_execution().get(scene.runs).await.unwrap();
}

async fn a_dry_run_counts_and_deletes_nothing(db: &TestDatabase) {
    let scene = scene(db).await;
    let dal = connect(db).await;
    dal.pipeline_execution().cancel(scene.paused).await.unwrap();
    let before = db.dump().await;
    let young = run(db.url(), &["cleanup", "--older-than", "1d", "--dry-run"]);
    let old = run(db.url(), &["cleanup", "--older-than", "0s", "--dry-run"]);
    let wrong = run(db.url(), &["cleanup", "--older-than", "90"]);
    assert_eq!(db.dump().await, before);
    assert_transcript("cleanup_dry_run", &[young, old, wrong]);
}
