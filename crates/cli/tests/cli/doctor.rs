//! `doctor`.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use serde_json::Value;
use taskbox_dal::{DAL, Error};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::{Backend, TestDatabase};

use crate::support::{
    program::{Run, assert_text, assert_transcript, run},
    scene::{Scene, connect, scene},
};

taskbox_test_support::suite! {
    both: [
        what_is_wrong_is_said_with_what_to_do,
        what_can_be_mended_is_mended_once_somebody_said_yes,
        findings_are_printed_as_json,
        a_note_is_no_reason_to_fail,
    ],
    postgres: [
        dead_rows_are_warned_of,
        events_of_another_server_are_made_this_one_s,
        what_may_not_be_looked_at_is_said,
        a_check_that_takes_too_long_is_given_up,
    ],
    sqlite: [all_is_well, a_damaged_file_is_broken, a_repair_that_cannot_be_made_changes_nothing],
}

/// The Postgres of the tests keeps nothing safe, and says so.
const DURABILITY: (&str, &str) = (
    r"(?m)(^warning +durability .*\n +→ .*\n)+",
    "ok  durability\n",
);
const WARNINGS: (&str, &str) = (r"(, )?\d+ warnings?", "");
/// Another connection of the program's own may be there.
const SESSIONS: (&str, &str) = (r"\d+ sessions? are", "[number] sessions are");
const WIDTHS: (&str, &str) = (r" {2,}", "  ");

pub(crate) fn assert_same_on_both(name: &str, runs: &[Run]) {
    let transcripts: Vec<String> = runs.iter().map(Run::transcript).collect();
    assert_text(
        name,
        &transcripts.join("\n"),
        &[DURABILITY, WARNINGS, SESSIONS, WIDTHS],
    );
}

/// SQL for the time an hour before `column`.
fn hour_before(db: &TestDatabase, column: &str) -> String {
    match db.backend() {
        Backend::Postgres => format!("{column} - interval '1 hour'"),
        Backend::Sqlite => format!("{column} - 3600000000"),
    }
}

async fn all_is_well(db: &TestDatabase) {
    scene(db).await;
    let before = db.dump().await;
    assert_transcript("doctor_well", &[run(db.url(), &["doctor"])]);
    assert_eq!(db.dump().await, before);
}

/// Tasks that other software made away with, and work that nobody does.
async fn ill(db: &TestDatabase) -> Scene {
    let scene = scene(db).await;
    let dal = connect(db).await;
    put_off(&dal).await;
    let (paused, waits) = (db.uuid_literal(scene.paused), db.uuid_literal(scene.waits));
    db.execute(&format!(
        "DROP INDEX task_schedule_due_at_idx;
         UPDATE task_executions SET open_dependencies = 7 WHERE id = {waits};
         UPDATE pipeline_executions SET open_tasks = 9 WHERE id = {paused};
         DELETE FROM task_outbox WHERE task_execution_id IN (
             SELECT id FROM task_executions WHERE pipeline_execution_id = {paused}
         );
         UPDATE task_outbox SET created_at = {};
         UPDATE task_schedule SET due_at = (SELECT min(registered_at) FROM task_workers);
         UPDATE task_workers SET lease_expires_at = {}",
        hour_before(db, "created_at"),
        hour_before(db, "registered_at"),
    ))
    .await;
    scene
}

/// As executors do with what they have no handler for.
async fn put_off(dal: &DAL) {
    let new = NewTaskExecution::standalone("unheard-of").priority(9);
    let task = dal.task_execution().create(new).await.unwrap();
    dal.task_execution().mark_ready(task.id).await.unwrap();
    let worker = dal.worker().register("host-2").await.unwrap();
    for delay in [Duration::ZERO, Duration::ZERO, Duration::from_hours(1)] {
        let claims = dal.task_execution().claim(&worker, 1).await.unwrap();
        assert_eq!(claims[0].task_execution_id(), task.id);
        dal.task_execution().defer(&claims[0], delay).await.unwrap();
    }
    dal.worker().deregister(worker).await.unwrap();
}

async fn what_is_wrong_is_said_with_what_to_do(db: &TestDatabase) {
    db.is_broken_on_purpose();
    ill(db).await;
    let before = db.dump().await;
    assert_same_on_both("doctor_ill", &[run(db.url(), &["doctor"])]);
    assert_eq!(db.dump().await, before);
}

async fn what_can_be_mended_is_mended_once_somebody_said_yes(db: &TestDatabase) {
    ill(db).await;
    let before = db.dump().await;
    let refused = run(db.url(), &["doctor", "--repair"]);
    assert_eq!(db.dump().await, before);
    let repaired = run(db.url(), &["doctor", "--repair", "--yes"]);
    let again = run(db.url(), &["doctor", "--repair"]);
    assert_same_on_both("doctor_repair", &[refused, repaired, again]);
}

async fn findings_are_printed_as_json(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let scene = ill(db).await;
    let answer = run(db.url(), &["doctor", "--json"]);
    assert_eq!(answer.code, 3);
    let json: Value = serde_json::from_str(&answer.stdout).unwrap();
    let checks = json["checks"].as_array().unwrap();
    let placement = checks.iter().find(|it| it["check"] == "placement").unwrap();
    let finding = &placement["findings"][0];
    assert_eq!(finding["severity"], "broken");
    assert_eq!(finding["ids"], serde_json::json!([scene.paused]));
    for text in ["seen", "remedy"] {
        assert!(!finding[text].as_str().unwrap().is_empty());
    }
}

/// A worker that died with nothing to do is no harm, and neither is a queue that is slow.
async fn a_note_is_no_reason_to_fail(db: &TestDatabase) {
    let dal = connect(db).await;
    for _ in 0..2 {
        let new = NewTaskExecution::standalone("mail").queue("mail");
        let task = dal.task_execution().create(new).await.unwrap();
        dal.task_execution().mark_ready(task.id).await.unwrap();
    }
    let busy = dal.worker().register("busy").await.unwrap();
    dal.task_execution().claim(&busy, 1).await.unwrap();
    let idle = dal.worker().register("idle").await.unwrap();
    db.execute(&format!(
        "UPDATE task_outbox SET created_at = {};
         UPDATE task_workers SET lease_expires_at = {} WHERE id = {}",
        hour_before(db, "created_at"),
        hour_before(db, "registered_at"),
        db.uuid_literal(idle.id),
    ))
    .await;
    let answer = run(db.url(), &["doctor"]);
    let no_warning = match db.backend() {
        Backend::Postgres => 3,
        Backend::Sqlite => 0,
    };
    assert_eq!(answer.code, no_warning);
    let notes = answer.stdout.lines().filter(|it| it.starts_with("note"));
    let notes: Vec<String> = notes.map(|it| it.replace("note     ", "note  ")).collect();
    assert_text("doctor_notes", &notes.join("\n"), &[]);
}

async fn dead_rows_are_warned_of(db: &TestDatabase) {
    db.execute(
        "ALTER TABLE task_workers SET (autovacuum_enabled = false);
         INSERT INTO task_workers (id, name, lease_expires_at)
         SELECT gen_random_uuid(), repeat('w', 1100), clock_timestamp() + interval '1 hour'
         FROM generate_series(1, 60000);
         DELETE FROM task_workers WHERE id <> (SELECT id FROM task_workers LIMIT 1)",
    )
    .await;
    // The statistics come when the session has ended.
    let answer = loop {
        let answer = run(db.url(), &["doctor"]);
        if answer.stdout.contains("dead rows and") {
            break answer;
        }
    };
    let lines = answer.stdout.lines();
    let lines: Vec<&str> = lines.skip_while(|it| !it.contains("dead rows")).collect();
    let size = (r"takes \d+ MiB", "takes [number] MiB");
    assert_text("doctor_dead", &lines[..4].join("\n"), &[size]);
}

async fn events_of_another_server_are_made_this_one_s(db: &TestDatabase) {
    scene(db).await;
    db.execute("UPDATE execution_events SET transaction_id = transaction_id + 1000000000")
        .await;
    let answer = run(db.url(), &["doctor", "--repair", "--yes"]);
    let shown = answer
        .stdout
        .lines()
        .filter(|it| it.contains("numbers of") || it.contains("history"));
    let shown: Vec<&str> = shown.collect();
    assert_text("doctor_history", &shown.join("\n"), &[]);
    let left = "SELECT count(*) FROM execution_events WHERE transaction_id <> 0";
    assert_eq!(db.query_i64(left).await, 0);
}

async fn what_may_not_be_looked_at_is_said(db: &TestDatabase) {
    let url = format!("{}&options=-c%20role%3Dpg_signal_backend", db.url());
    // Another has a transaction open, and does not show it.
    connect(db)
        .await
        .transaction(async |tx| {
            tx.task_outbox().count_pending().await?;
            let answer = run(&url, &["doctor"]);
            assert_same_on_both("doctor_forbidden", &[answer]);
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
}

async fn a_check_that_takes_too_long_is_given_up(db: &TestDatabase) {
    let dal = connect(db).await;
    let locked = dal.transaction(async |tx| {
        let connection = tx.postgres()?;
        connection.batch_execute("LOCK TABLE task_schedule").await?;
        Ok::<_, Error>(run(db.url(), &["doctor", "--within", "2"]))
    });
    assert_same_on_both("doctor_too_long", &[locked.await.unwrap()]);
}

async fn a_damaged_file_is_broken(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let scene = scene(db).await;
    let runs = db.uuid_literal(scene.runs);
    db.execute(&format!(
        "PRAGMA foreign_keys = OFF; DELETE FROM task_executions WHERE id = {runs}"
    ))
    .await;
    let answer = run(db.url(), &["doctor"]);
    assert!(
        answer.stdout.contains("restore a backup"),
        "{}",
        answer.stdout
    );
    assert_eq!(answer.code, 3);
}

async fn a_repair_that_cannot_be_made_changes_nothing(db: &TestDatabase) {
    ill(db).await;
    db.is_broken_on_purpose();
    let before = db.dump().await;
    let dal = connect(db).await;
    let in_the_way = dal.transaction(async |tx| {
        assert!(tx.sqlite().is_ok());
        let arguments = ["doctor", "--repair", "--yes", "--within", "2"];
        let answer = run(db.url(), &arguments);
        assert_eq!(answer.code, 1, "{}", answer.stderr);
        assert!(!answer.stdout.contains("repaired"), "{}", answer.stdout);
        Ok::<_, Error>(())
    });
    in_the_way.await.unwrap();
    assert_eq!(db.dump().await, before);
}
