//! `taskbox migrate`.

use std::fs;

use taskbox_test_support::TestDatabase;

use crate::{
    doctor::assert_same_on_both,
    support::program::{assert_transcript, command, finish, run},
};

taskbox_test_support::suite! {
    empty: [
        an_empty_database_is_migrated_once,
        other_commands_say_that_migrations_are_pending,
        a_doctor_looks_at_no_tables_before_they_are_there,
    ],
}

/// On `SQLite` there is no file yet; an empty one is an empty database.
fn make(db: &TestDatabase) {
    if let Some(path) = db.url().strip_prefix("sqlite://") {
        fs::File::create(path).unwrap();
    }
}

async fn an_empty_database_is_migrated_once(db: &TestDatabase) {
    make(db);
    let runs = [
        run(db.url(), &["migrate", "--check"]),
        run(db.url(), &["migrate"]),
        run(db.url(), &["migrate"]),
        run(db.url(), &["migrate", "--check"]),
    ];
    assert_transcript("migrate", &runs);
}

async fn other_commands_say_that_migrations_are_pending(db: &TestDatabase) {
    make(db);
    let arguments: [&[&str]; 3] = [&["status"], &["tasks"], &["retry", "--failed"]];
    let runs = arguments.map(|it| run(db.url(), it));
    assert!(runs.iter().all(|run| run.code == 1));
    assert_transcript("pending", &runs);
}

async fn a_doctor_looks_at_no_tables_before_they_are_there(db: &TestDatabase) {
    make(db);
    assert_same_on_both("doctor_pending", &[run(db.url(), &["doctor"])]);
}

#[test]
fn a_file_that_is_missing_is_made_by_migrate_alone() {
    let folder = tempfile::tempdir().unwrap();
    let here = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("DATABASE_URL", "sqlite://tasks.db");
        finish(
            {
                command.current_dir(folder.path());
                command
            },
            arguments,
        )
    };
    let before = [here(&["status"]), here(&["migrate", "--check"])];
    assert!(!folder.path().join("tasks.db").exists());
    let [status, check] = before;
    assert_transcript("missing_file", &[status, check, here(&["migrate"])]);
}
