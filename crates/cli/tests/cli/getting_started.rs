//! The program of docs/getting-started.md, and what it and `taskbox` print there.

use std::{env, process::Command};

use taskbox_test_support::TestDatabase;

use crate::support::{
    program::{assert_text, run},
    scene::connect,
};

taskbox_test_support::suite! { the_page_shows_what_is_printed }

const PAGE: &str = include_str!("../../../../docs/getting-started.md");
const PROGRAM: &str = include_str!("getting_started/program.rs");
const PROCESS: &str = "getting_started::is_run_as_a_process";

#[expect(clippy::print_stdout, reason = "as programs of users do")]
mod program {
    include!("getting_started/program.rs");

    pub(super) fn run() {
        main().unwrap();
    }
}

/// The blocks of code of this kind.
fn blocks(kind: &str) -> Vec<&'static str> {
    let fence = format!("```{kind}\n");
    let blocks = PAGE.split(&fence).skip(1);
    blocks
        .map(|rest| rest.split_once("```\n").unwrap().0)
        .collect()
}

#[test]
fn the_program_of_the_page_is_the_one_that_is_run() {
    assert_eq!(blocks("rust,no_run"), [PROGRAM]);
}

#[test]
#[ignore = "is run by the test of this file, as a process of its own"]
fn is_run_as_a_process() {
    if env::var_os("DATABASE_URL").is_some() {
        program::run();
    }
}

/// What the program prints, without what the harness of the tests prints around it.
fn run_program(db: &TestDatabase) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", PROCESS, "--nocapture"]);
    let output = command.env("DATABASE_URL", db.url()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let from = printed.find("count a book").unwrap();
    format!("$ cargo run\n{}\n", printed[from..].lines().next().unwrap())
}

async fn the_page_shows_what_is_printed(db: &TestDatabase) {
    let mut printed = vec![run_program(db)];
    let dal = connect(db).await;
    let pipelines = dal.pipeline_execution().list_recent(2).await.unwrap();
    let pipeline = pipelines[0].id;
    let tasks = dal
        .task_execution()
        .list_by_pipeline(pipeline)
        .await
        .unwrap();
    let retried = tasks.iter().find(|task| task.attempt == 2).unwrap().id;
    for arguments in [
        &["pipelines"][..],
        &["pipeline", &pipeline.to_string()],
        &["task", &retried.to_string()],
    ] {
        printed.push(run(db.url(), arguments).transcript());
    }
    // Both against one snapshot, so that they are the same but for what differs from run to run.
    assert_text("getting_started", &printed.join("\n"), &[]);
    assert_text("getting_started", &blocks("text").join("\n"), &[]);
}
