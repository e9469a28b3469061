//! The commands that read.

use serde_json::Value;
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;

use crate::support::{
    program::{Run, assert_transcript, run},
    scene::{connect, scene},
};

taskbox_test_support::suite! {
    status_shows_what_waits_and_who_works,
    an_empty_database_has_nothing_to_show,
    lists_are_filtered_and_paged,
    a_task_is_shown_with_its_history_and_its_times,
    a_pipeline_is_shown_with_its_graph,
    every_command_that_reads_prints_json,
    the_status_is_watched,
    the_id_of_the_other_leads_to_the_command_for_it,
    what_there_is_not_is_not_found,
}

async fn status_shows_what_waits_and_who_works(db: &TestDatabase) {
    scene(db).await;
    let dead = connect(db).await.worker().register("dead").await.unwrap();
    let id = db.uuid_literal(dead.id);
    let sql = format!("UPDATE task_workers SET lease_expires_at = registered_at WHERE id = {id}");
    db.execute(&sql).await;
    let runs = [
        run(db.url(), &["status"]),
        run(db.url(), &["status", "--workers", "1"]),
    ];
    assert_transcript("status", &runs);
}

async fn an_empty_database_has_nothing_to_show(db: &TestDatabase) {
    let runs = [["status"], ["pipelines"], ["tasks"]].map(|it| run(db.url(), &it));
    assert_transcript("empty", &runs);
}

async fn lists_are_filtered_and_paged(db: &TestDatabase) {
    let scene = scene(db).await;
    let (paused, waits) = (scene.paused.to_string(), scene.waits.to_string());
    let arguments: [&[&str]; 10] = [
        &["pipelines"],
        &["pipelines", "--status", "paused"],
        &["pipelines", "--name", "report"],
        &["pipelines", "--before", &paused],
        &["tasks"],
        &["tasks", "--limit", "1"],
        &["tasks", "--status", "ready", "--queue", "mail"],
        &["tasks", "--status", "Failed", "--name", "resize"],
        &["tasks", "--pipeline", &paused, "--before", &waits],
        &["tasks", "--name", "nothing"],
    ];
    assert_transcript("lists", &arguments.map(|it| run(db.url(), it)));
}

async fn a_task_is_shown_with_its_history_and_its_times(db: &TestDatabase) {
    let scene = scene(db).await;
    let tasks = [scene.failed, scene.runs, scene.waits];
    let runs = tasks.map(|task| run(db.url(), &["task", &task.to_string()]));
    assert!(!runs[0].stdout.contains('\u{1b}'), "{}", runs[0].stdout);
    assert_transcript("task", &runs);
}

async fn a_pipeline_is_shown_with_its_graph(db: &TestDatabase) {
    let scene = scene(db).await;
    let (paused, running) = (scene.paused.to_string(), scene.running.to_string());
    let runs = [
        run(db.url(), &["pipeline", &paused]),
        run(db.url(), &["pipeline", &paused, "--limit", "1"]),
        run(db.url(), &["pipeline", &paused, "--status", "NotStarted"]),
        run(db.url(), &["pipeline", &running]),
    ];
    assert_transcript("pipeline", &runs);
}

async fn every_command_that_reads_prints_json(db: &TestDatabase) {
    let scene = scene(db).await;
    let (failed, paused) = (scene.failed.to_string(), scene.paused.to_string());
    let arguments: [&[&str]; 5] = [
        &["status", "--json"],
        &["pipelines", "--json", "--limit", "1"],
        &["pipeline", &paused, "--json", "--limit", "1"],
        &["tasks", "--json", "--limit", "1", "--status", "running"],
        &["task", &failed, "--json"],
    ];
    let runs: [Run; 5] = arguments.map(|it| run(db.url(), it));
    for run in &runs {
        assert!(serde_json::from_str::<Value>(&run.stdout).is_ok());
    }
    assert_transcript("json", &runs);
}

async fn the_status_is_watched(db: &TestDatabase) {
    scene(db).await;
    let twice = ["watch", "--every", "0.1", "--times", "2"];
    let watch = run(db.url(), &twice);
    assert!(!watch.stdout.contains('\u{1b}'), "{}", watch.stdout);
    let lines = run(db.url(), &[&twice[..], &["--json"]].concat());
    let lines = lines.stdout.lines();
    let values = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert_eq!(values.filter(|value| value["running"] == 1).count(), 2);
    let endless = ["watch", "--every", "0"];
    assert_transcript("watch", &[watch, run(db.url(), &endless)]);
}

async fn the_id_of_the_other_leads_to_the_command_for_it(db: &TestDatabase) {
    let scene = scene(db).await;
    let before = db.dump().await;
    let (task, pipeline) = (scene.waits.to_string(), scene.paused.to_string());
    let runs = [
        run(db.url(), &["task", &pipeline]),
        run(db.url(), &["retry", &pipeline]),
        run(db.url(), &["pipeline", &task]),
        run(db.url(), &["pause", &task]),
        run(db.url(), &["resume", &task]),
    ];
    assert!(runs.iter().all(|run| run.code == 3));
    assert!(runs[1].stderr.contains(&pipeline), "{}", runs[1].stderr);
    assert_eq!(db.dump().await, before);
    assert_transcript("the_other", &runs);
}

async fn what_there_is_not_is_not_found(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = NewTaskExecution::standalone("mail");
    let task = dal.task_execution().create(task).await.unwrap();
    let nobody = "018f0000-0000-7000-8000-000000000000";
    let runs = [
        run(db.url(), &["task", nobody]),
        run(db.url(), &["pipeline", nobody]),
        run(db.url(), &["pipeline", &task.id.to_string()]),
        run(db.url(), &["cancel", nobody]),
        run(db.url(), &["retry", nobody]),
        run(db.url(), &["pause", nobody]),
    ];
    assert!(runs.iter().all(|run| run.code == 3));
    assert_transcript("not_found", &runs);
}
