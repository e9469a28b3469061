//! docs/cli.md, which shows nothing that the snapshots of these tests do not; and README.md, which shows the demo.

use std::{fs, path::Path};

use regex::Regex;

use crate::support::program::{FILTERS, command, finish};

const PAGE: &str = include_str!("../../../../docs/cli.md");
const README: &str = include_str!("../../../../README.md");

/// The page has a release build of it, and more tasks than a test has time for: its form is compared.
const BENCH: &str = "$ taskbox bench";

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

/// Without figures, and without what they are of.
fn form(text: &str) -> String {
    let filters = [
        (r"(?m)^\$ taskbox bench.*$", BENCH),
        (r"(debug|release) build", "build"),
        (r"(?m)^(database|durability) .*$", "$1"),
        (r"\[(rate|ms|number)\]|[0-9][0-9,.]*", "[figure]"),
    ];
    filtered(text, &filters)
}

/// The runs in a transcript.
fn runs(transcript: &str) -> Vec<Shown> {
    let mut runs: Vec<Shown> = Vec::new();
    let text = masked(transcript);
    let text = if text.contains(BENCH) {
        form(&text)
    } else {
        text
    };
    for line in text.lines() {
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
    let shown: Vec<Shown> = blocks.flat_map(runs).collect();
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
