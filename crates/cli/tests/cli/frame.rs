//! What all commands have in common.

use std::io;

use taskbox_test_support::TestDatabase;

use crate::support::{
    program::{assert_transcript, command, finish, run, run_without_database},
    scene::scene,
};

taskbox_test_support::suite! {
    both: [a_reader_that_goes_away_is_no_error, colours_are_for_terminals],
}

#[test]
fn a_database_must_be_named() {
    let runs = [
        run_without_database(&["status"]),
        run("mysql://localhost", &["status"]),
        run("sqlite://:memory:", &["status"]),
    ];
    assert!(runs.iter().all(|run| run.code == 2));
    assert_transcript("no_database", &runs);
}

#[test]
fn a_wrong_command_line_is_told_apart_from_a_failure() {
    for arguments in [
        &["tasks", "--status", "finished"][..],
        &["task", "7"],
        &["tasks", "--limit", "0"],
        &["retry"],
        &[],
    ] {
        assert_eq!(run_without_database(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_password_is_never_shown() {
    let urls = [
        "postgres://me:pa55word@127.0.0.1:1/tasks",
        "postgres://me:pa55word@127.0.0.1:none/tasks",
        "postgres://me:pa55word@127.0.0.1/tasks?sslmode=require",
        "mysql://me:pa55word@127.0.0.1/tasks",
    ];
    for url in urls {
        for arguments in [&["status"][..], &["demo", "."], &["status", "--help"]] {
            let run = run(url, arguments);
            let all = run.transcript();
            assert!(!all.contains("pa55word"), "{all}");
        }
        assert_ne!(run(url, &["migrate"]).code, 0);
    }
}

/// As `taskbox tasks | head -0` would.
async fn a_reader_that_goes_away_is_no_error(db: &TestDatabase) {
    scene(db).await;
    for arguments in [
        &["tasks"][..],
        &["status", "--json"],
        &["completions", "bash"],
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = command(arguments);
        command.env("DATABASE_URL", db.url()).stdout(writer);
        let child = command.stderr(std::process::Stdio::piped()).spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    }
}

async fn colours_are_for_terminals(db: &TestDatabase) {
    let scene = scene(db).await;
    let task = scene.failed.to_string();
    for arguments in [&["status"][..], &["task", &task], &["tasks"]] {
        let plain = run(db.url(), arguments);
        assert!(!plain.stdout.contains('\u{1b}'), "{}", plain.stdout);
        let mut command = command(arguments);
        command
            .env("DATABASE_URL", db.url())
            .env("CLICOLOR_FORCE", "1");
        let coloured = finish(command, arguments);
        assert!(coloured.stdout.contains('\u{1b}'), "{}", coloured.stdout);
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = run_without_database(&["completions", shell]);
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains("pipelines"), "{}", run.stdout);
    }
}
