//! `--help` of every command.

use crate::support::program::{assert_transcript, run_without_database};

const COMMANDS: [&str; 17] = [
    "bench",
    "cancel",
    "cleanup",
    "completions",
    "demo",
    "doctor",
    "events",
    "migrate",
    "pause",
    "pipeline",
    "pipelines",
    "resume",
    "retry",
    "status",
    "task",
    "tasks",
    "watch",
];

#[test]
fn every_command_explains_itself() {
    let all = run_without_database(&["--help"]);
    let listed = all.stdout.lines().filter(|line| line.starts_with("  "));
    let listed = listed.filter_map(|line| line.split_whitespace().next());
    let mut listed: Vec<&str> = listed.take(COMMANDS.len()).collect();
    listed.sort_unstable();
    assert_eq!(listed, COMMANDS);
    for command in COMMANDS {
        let help = run_without_database(&[command, "--help"]);
        assert_transcript(&format!("help_{command}"), &[help]);
    }
    assert_transcript("help", &[all]);
}
