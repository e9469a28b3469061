//! `taskbox bench`.

use std::fs;

use serde_json::Value;
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;

use crate::support::{
    program::{Run, Stopped, assert_text, command, finish, run},
    scene::{connect, scene},
};

taskbox_test_support::suite! {
    both: [
        the_figures_are_shown_with_the_settings,
        nothing_is_left_of_it,
        a_database_that_holds_something_is_refused_and_left_as_it_is,
        ctrl_c_ends_it_and_leaves_nothing,
        nothing_is_deleted_once_others_work_there,
    ],
    empty: [a_database_without_tables_is_given_them],
    postgres: [a_schema_is_measured_beside_what_is_in_public],
}

/// As little as there can be of all.
const LITTLE: [&str; 7] = ["bench", "--tasks", "5", "--batch", "2", "--rounds", "3"];

fn assert_bench(name: &str, run: &Run) {
    let filters = [
        (r"Postgres|SQLite", "[backend]"),
        (r"(?m)^(durability  ).*$", "$1[durability]"),
        (r"(?m)^(cores +)\d+$", "$1[number]"),
        (r"(?m)^warning: .*\n", ""),
        (
            r" +tasks +tasks/s +p50 ms +p99 ms +max ms",
            "  tasks  tasks/s  p50 ms  p99 ms  max ms",
        ),
        (r" +\d+\.\d{3}\b", "  [ms]"),
        (
            r"(?m)^((enqueue|drain|start)\D*?)  +(\d+)  +[\d,]+",
            "$1  $3  [rate]",
        ),
        (r"(?m)^((enqueue|drain|start)\D*?)  +(\d+)", "$1  $3"),
    ];
    assert_text(name, &run.transcript(), &filters);
}

async fn the_figures_are_shown_with_the_settings(db: &TestDatabase) {
    assert_bench("bench", &run(db.url(), &LITTLE));
    let json = run(db.url(), &[&LITTLE[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["settings"]["tasks"], 5);
    let figures = json["figures"].as_array().unwrap();
    let is_positive = |row: usize, name: &str| figures[row][name].as_f64().unwrap() > 0.0;
    for row in [0, 1, 2] {
        assert!(is_positive(row, "tasks_per_second"), "{}", figures[row]);
    }
    for row in [0, 1, 3] {
        assert!(is_positive(row, "p50_seconds"), "{}", figures[row]);
        assert!(is_positive(row, "max_seconds"), "{}", figures[row]);
    }
    let tasks: Vec<_> = figures.iter().map(|row| row["tasks"].as_u64()).collect();
    assert_eq!(tasks, [5, 5, 10, 3, 3].map(Some));
}

async fn nothing_is_left_of_it(db: &TestDatabase) {
    let before = db.dump().await;
    assert_eq!(run(db.url(), &LITTLE).code, 0);
    assert_eq!(db.dump().await, before);
}

async fn a_database_that_holds_something_is_refused_and_left_as_it_is(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("host-1").await.unwrap();
    let mut runs = vec![run(db.url(), &["bench"])];
    dal.worker().deregister(worker).await.unwrap();
    let task = NewTaskExecution::standalone("mail");
    dal.task_execution().create(task).await.unwrap();
    runs.push(run(db.url(), &["bench"]));
    scene(db).await;
    let before = db.dump().await;
    runs.push(run(db.url(), &["bench"]));
    assert_eq!(db.dump().await, before);
    assert!(runs.iter().all(|run| run.code == 3));
    let texts: Vec<String> = runs.iter().map(Run::transcript).collect();
    assert_text("bench_refused", &texts.join("\n"), &[]);
}

async fn a_database_without_tables_is_given_them(db: &TestDatabase) {
    assert_eq!(run(db.url(), &LITTLE).code, 0);
    assert_eq!(run(db.url(), &["migrate", "--check"]).code, 0);
}

async fn a_schema_is_measured_beside_what_is_in_public(db: &TestDatabase) {
    scene(db).await;
    let before = db.dump().await;
    let arguments = [&LITTLE[..], &["--schema", "bench"]].concat();
    let run = run(db.url(), &arguments);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(db.dump().await, before);
    let removal = "DROP SCHEMA bench CASCADE";
    assert!(run.stdout.contains(removal), "{}", run.stdout);
    db.execute(removal).await;
}

/// One that has made a task, and has far to go.
async fn begun(db: &TestDatabase) -> Stopped {
    let arguments = ["bench", "--tasks", "1000000"];
    let mut command = command(&arguments);
    command.env("DATABASE_URL", db.url());
    let bench = Stopped::start(command, &arguments);
    while db.query_i64("SELECT count(*) FROM task_outbox").await == 0 {}
    bench
}

async fn ctrl_c_ends_it_and_leaves_nothing(db: &TestDatabase) {
    let before = db.dump().await;
    let bench = begun(db).await;
    bench.interrupt();
    let run = bench.finish();
    assert_eq!((run.code, &*run.stdout), (130, ""));
    let said = run.stderr.ends_with("error: stopped by Ctrl-C\n");
    assert!(said, "{}", run.stderr);
    assert_eq!(db.dump().await, before);
}

/// Of whom something might have ended meanwhile.
async fn nothing_is_deleted_once_others_work_there(db: &TestDatabase) {
    let bench = begun(db).await;
    let dal = connect(db).await;
    let _worker = dal.worker().register("host-1").await.unwrap();
    bench.interrupt();
    let run = bench.finish();
    assert_eq!(run.code, 1);
    let said = run.stderr.contains("since a worker came into it");
    assert!(said, "{}", run.stderr);
    assert!(dal.task_outbox().count_pending().await.unwrap() > 0);
}

#[test]
fn without_a_database_its_own_is_removed() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = command(&LITTLE);
    command.env("TMPDIR", temporary.path());
    let run = finish(command, &LITTLE);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("SQLite, a new file"), "{}", run.stdout);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    for option in ["--tasks", "--batch", "--concurrency", "--rounds"] {
        for number in ["0", "1000001", "-1", "many"] {
            let arguments = ["bench", option, number];
            let run = finish(command(&arguments), &arguments);
            assert_eq!(run.code, 2, "{option} {number}: {}", run.stdout);
        }
    }
}
