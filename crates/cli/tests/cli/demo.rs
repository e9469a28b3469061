//! `taskbox demo`.

use std::{fs, path::Path};

use taskbox_models::PipelineStatus;
use taskbox_test_support::TestDatabase;
use tempfile::TempDir;

use crate::support::{
    program::{Run, assert_text, command, finish, run},
    scene::{connect, scene},
};

taskbox_test_support::suite! {
    a_pipeline_over_a_folder_is_run_and_shown,
    what_others_wait_for_is_left_to_them,
}

/// A folder with files, of which one is hidden.
fn folder(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{name}\n").repeat(3)).unwrap();
    }
    folder
}

fn assert_demo(name: &str, run: &Run, folder: &Path) {
    let folder = folder.display().to_string();
    let filters = [
        (&*folder, "[folder]"),
        (r"sqlite:///\S+/demo.db", "[url]"),
        (r"(?m)^  \S+taskbox ", "  taskbox "),
        (r"\[folder\]/target\S*", "[folder]"),
    ];
    assert_text(name, &run.transcript(), &filters);
}

async fn a_pipeline_over_a_folder_is_run_and_shown(db: &TestDatabase) {
    let folder = folder(&["a.txt", "b/c.txt", ".hidden"]);
    let path = folder.path().to_str().unwrap();
    assert_demo("demo", &run(db.url(), &["demo", path]), folder.path());
    let dal = connect(db).await;
    let pipelines = dal.pipeline_execution().list_recent(9).await.unwrap();
    assert_eq!(pipelines[0].status, PipelineStatus::Completed);
    assert_eq!(pipelines.len(), 1);
    assert_eq!(dal.worker().list(9).await.unwrap(), []);
}

async fn what_others_wait_for_is_left_to_them(db: &TestDatabase) {
    scene(db).await;
    let before = connect(db).await.task_outbox().list_pending(99).await;
    let folder = folder(&["a.txt"]);
    let path = folder.path().to_str().unwrap();
    assert_eq!(run(db.url(), &["demo", path]).code, 0);
    let after = connect(db).await.task_outbox().list_pending(99).await;
    assert_eq!(after.unwrap(), before.unwrap());
}

#[test]
fn without_a_database_it_makes_one_in_a_temporary_folder() {
    let (folder, temporary) = (folder(&["a.txt", "b.txt"]), tempfile::tempdir().unwrap());
    let path = folder.path().to_str().unwrap();
    let arguments = ["demo", path, "--max-files", "1"];
    let mut command = command(&arguments);
    command.env("TMPDIR", temporary.path());
    let run = finish(command, &arguments);
    assert_demo("demo_alone", &run, folder.path());
    let made: Vec<_> = fs::read_dir(temporary.path()).unwrap().collect();
    assert_eq!(made.len(), 1);
}

#[test]
fn a_folder_without_files_is_refused() {
    let folder = folder(&[".hidden"]);
    for path in [folder.path().to_owned(), folder.path().join("missing")] {
        let path = path.to_str().unwrap().to_owned();
        let run = run("sqlite:///nowhere/at/all.db", &["demo", &path]);
        assert_ne!(run.code, 0);
        assert!(run.stderr.contains(&*folder.path().to_string_lossy()));
    }
}
