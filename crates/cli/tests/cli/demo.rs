//! `taskbox demo`.

use std::{fs, path::Path};

use taskbox_models::PipelineStatus;
use taskbox_test_support::TestDatabase;
use tempfile::TempDir;

use crate::support::{
    program::{Run, Stopped, assert_text, command, finish, run},
    scene::{connect, scene},
};

taskbox_test_support::suite! {
    both: [
        a_pipeline_over_a_folder_is_run_and_shown,
        what_others_wait_for_is_left_to_them,
        ctrl_c_lets_what_runs_end_and_shows_what_was_reached,
    ],
    sqlite: [a_second_ctrl_c_ends_it_at_once],
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

/// Starts one that has far to go: through many files, and through two waits of its last task.
fn start(db: &TestDatabase) -> Stopped {
    let names: Vec<String> = (0..300).map(|n| format!("{n}.txt")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let folder = folder(&names);
    let arguments = ["demo", folder.path().to_str().unwrap()];
    let mut command = command(&arguments);
    command.env("DATABASE_URL", db.url());
    let mut demo = Stopped::start(command, &arguments);
    demo.prints("tasks  ");
    demo
}

async fn ctrl_c_lets_what_runs_end_and_shows_what_was_reached(db: &TestDatabase) {
    let demo = start(db);
    demo.interrupt();
    let run = demo.finish();
    assert_eq!(run.code, 130, "{}", run.stderr);
    assert!(run.stdout.contains("\nWhat happened to deliver:\n"));
    assert!(run.stdout.contains("\nLook around:\n"));
    assert!(run.stderr.ends_with("error: stopped by Ctrl-C\n"));
    let dal = connect(db).await;
    assert_eq!(dal.worker().list(9).await.unwrap(), []);
    assert_eq!(dal.task_execution().count_live().await.unwrap().running, 0);
    let pipelines = dal.pipeline_execution().list_recent(9).await.unwrap();
    assert!(!pipelines[0].status.is_terminal());
}

/// A writer keeps it from writing how its tasks ended, and so from stopping.
async fn a_second_ctrl_c_ends_it_at_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut demo = start(db);
    let code = dal.transaction(async |_tx| {
        demo.interrupt();
        demo.complains("once more");
        demo.interrupt();
        Ok::<_, taskbox_dal::Error>(demo.finish().code)
    });
    assert_eq!(code.await.unwrap(), 130);
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
