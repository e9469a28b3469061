//! The history, as it is and as it grows.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
};

use serde_json::Value;
use taskbox_dal::{DAL, Error};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;
use tokio::task::block_in_place;
use uuid::Uuid;

use crate::support::{
    program::{assert_transcript, command, run},
    scene::{connect, scene},
};

taskbox_test_support::suite! {
    both: [
        the_newest_events_are_shown,
        events_to_come_are_shown_once,
        only_events_that_are_asked_for_are_shown,
    ],
    postgres: [what_is_committed_late_is_shown],
}

/// A program that follows the history, until it is dropped.
struct Following {
    program: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(db: &TestDatabase, arguments: &[&str]) -> Self {
        let follow = ["events", "--follow", "--json", "--every", "0.1"];
        let mut command = command(&[&follow, arguments].concat());
        command.env("DATABASE_URL", db.url());
        let mut program = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        Self { program, lines }
    }

    /// The task of the next event, and what happened to it. Waits for it.
    fn next(&mut self) -> (Uuid, String) {
        let line = block_in_place(|| self.lines.next()).unwrap().unwrap();
        let event: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        (
            text("task_execution_id").parse().unwrap(),
            text("event_type"),
        )
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

async fn create(dal: &DAL) -> Uuid {
    let new = NewTaskExecution::standalone("mail");
    dal.task_execution().create(new).await.unwrap().id
}

async fn the_newest_events_are_shown(db: &TestDatabase) {
    let scene = scene(db).await;
    let (failed, paused) = (scene.failed.to_string(), scene.paused.to_string());
    let arguments: [&[&str]; 8] = [
        &["events", "--limit", "7"],
        &["events", "--task", &failed],
        &["events", "--pipeline", &paused, "--limit", "2"],
        &["events", "--type", "task_failed"],
        &["events", "--type", "TASK_CLAIMED", "--limit", "1"],
        &["events", "--type", "task_reset"],
        &["events", "--limit", "1", "--json"],
        &["events", "--every", "1"],
    ];
    assert_transcript("events", &arguments.map(|it| run(db.url(), it)));
}

async fn events_to_come_are_shown_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let before = create(&dal).await;
    let mut following = Following::start(db, &[]);
    assert_eq!(following.next(), (before, "task_created".to_owned()));
    for _ in 0..3 {
        let task = create(&dal).await;
        dal.task_execution().mark_ready(task).await.unwrap();
        assert_eq!(following.next(), (task, "task_created".to_owned()));
        assert_eq!(following.next(), (task, "task_marked_ready".to_owned()));
    }
}

async fn only_events_that_are_asked_for_are_shown(db: &TestDatabase) {
    let dal = connect(db).await;
    let cancelled = async || {
        let task = create(&dal).await;
        dal.task_execution().mark_ready(task).await.unwrap();
        dal.task_execution().cancel(task).await.unwrap();
        (task, "task_cancelled".to_owned())
    };
    let before = cancelled().await;
    let mut following = Following::start(db, &["--type", "task_cancelled"]);
    assert_eq!(following.next(), before);
    let after = cancelled().await;
    assert_eq!(following.next(), after);
}

async fn what_is_committed_late_is_shown(db: &TestDatabase) {
    let dal = connect(db).await;
    let before = create(&dal).await;
    let mut following = Following::start(db, &[]);
    assert_eq!(following.next().0, before);
    let late = dal
        .transaction(async |tx| {
            let new = NewTaskExecution::standalone("mail");
            let late = tx.task_execution().create(new).await?.id;
            let early = create(&dal).await;
            assert_eq!(following.next().0, early);
            Ok::<_, Error>(late)
        })
        .await
        .unwrap();
    assert_eq!(following.next().0, late);
    let after = create(&dal).await;
    assert_eq!(following.next().0, after);
}
