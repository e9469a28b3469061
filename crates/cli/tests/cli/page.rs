//! docs/cli.md, which shows nothing that the snapshots of these tests do not; and README.md, which shows the demo.

use std::{fs, path::Path};

use regex::Regex;

use crate::support::program::{FILTERS, command, finish};

const PAGE: &str = include_str!("../../../../docs/cli.md");
const README: &str = include_str!("../../../../README.md");

/// As its figures are of a release build, and of more than a test has time for.
const OF_ITS_OWN: &str = "$ taskbox bench";

/// The line of a command, and what is printed below it.
type Shown = (String, Vec<String>);

/// Without what differs from run to run, and from one width of a column to another.
fn masked(text: &str) -> String {
    // As the transcripts of `doctor` are without warnings: those of one backend are more.
    let warnings = (r", \d+ warnings?", "");
    filtered(text, FILTERS.iter().chain(&[warnings, (r" {2,}", " ")]))
}

fn filtered<'a>(text: &str, filters: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> String {
    let filters = filters.into_iter();
    filters.fold(text.to_owned(), |text, (pattern, replacement)| {
        let pattern = Regex::new(pattern).unwrap();
        pattern.replace_all(&text, *replacement).into_owned()
    })
}

/// The runs in a transcript.
fn runs(transcript: &str) -> Vec<Shown> {
    let mut runs: Vec<Shown> = Vec::new();
    for line in masked(transcript).lines() {
        match runs.last_mut() {
            _ if line.starts_with("$ taskbox ") => runs.push((line.to_owned(), Vec::new())),
            Some((_, lines)) if !["", "…"].contains(&line) => {
                lines.push(line.trim_start_matches("stderr: ").trim().to_owned());
            }
            _ => {}
        }
    }
    runs
}

fn snapshots() -> Vec<Shown> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/snapshots");
    let files = fs::read_dir(folder).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    texts.flat_map(|text| runs(&text)).collect()
}

/// Whether the lines are among the others, in that order.
fn is_part(lines: &[String], of: &[String]) -> bool {
    let mut others = of.iter();
    lines.iter().all(|line| others.any(|other| other == line))
}

/// What the demo prints of docs, line by line. Sizes are masked, so that a page may be written without this one.
fn demo_lines(printed: &str) -> Vec<String> {
    let filters = [
        (r"sqlite:///\S+/demo\.db", "[url]"),
        (r"(?m)^ +\S*taskbox ", "taskbox "),
        (
            r"(Completed +1) +[0-9,]+ +[0-9a-f]{8}…",
            "$1 [bytes] [sha256]",
        ),
        (r"[0-9,]+ (lines|bytes)", "[number] $1"),
        (r"… and [0-9]+ more files", "…"),
    ];
    let lines = masked(&filtered(printed, &filters));
    let lines = lines.lines().map(str::trim);
    lines
        .filter(|line| !["", "…"].contains(line))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_readme_shows_what_the_demo_prints_of_the_docs() {
    let start = "```text\ndatabase  sqlite://";
    let (_, block) = README.split_once(start).unwrap();
    let (block, _) = block.split_once("```\n").unwrap();
    let shown = demo_lines(&format!("database  sqlite://{block}"));
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["demo", "docs"];
    let mut demo = command(&arguments);
    demo.env("TMPDIR", folder.path())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let printed = demo_lines(&finish(demo, &arguments).stdout);
    assert!(shown.len() > 20);
    assert!(
        is_part(&shown, &printed),
        "{shown:#?}\nis no part of {printed:#?}"
    );
}

#[test]
fn the_page_shows_what_the_tests_hold_the_commands_to() {
    let snapshots = snapshots();
    let blocks = PAGE.split("```text\n").skip(1);
    let blocks = blocks.map(|rest| rest.split_once("```\n").unwrap().0);
    let shown = blocks.flat_map(runs);
    let shown: Vec<Shown> = shown.filter(|(command, _)| command != OF_ITS_OWN).collect();
    assert!(shown.len() > 5);
    for (command, lines) in shown {
        let same = snapshots.iter().filter(|(other, _)| *other == command);
        let held = same.clone().any(|(_, of)| is_part(&lines, of));
        assert!(
            held,
            "{command}\n{lines:#?}\nis no part of {:#?}",
            same.collect::<Vec<_>>()
        );
    }
}
