//! Prints docs/task-lifecycle.md from the table of transitions, or with the argument `picture` the graph in it; `cargo xtask
//! lifecycle` keeps both.

#![expect(clippy::print_stdout, reason = "the page is what it prints")]

mod picture;
mod pipelines;
mod tasks;

use std::env;

const HEAD: &str = "<!-- Written by `cargo xtask lifecycle` from the table of transitions, in crates/models/src/transition/rules.rs. -->

# The lifecycle of tasks and pipelines

![The statuses of a task, and the operations that lead from one to another](task-lifecycle.svg)
";

fn main() {
    if env::args().nth(1).as_deref() == Some("picture") {
        return print!("{}", picture::svg());
    }
    let sections = [
        tasks::transitions(),
        tasks::events(),
        tasks::live_tables(),
        pipelines::statuses(),
        pipelines::events(),
    ];
    print!("{HEAD}\n{}", sections.join("\n"));
}

/// A table; each row has a cell for each column.
fn table<const N: usize>(
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let head = [columns.join(" | "), vec!["---"; N].join(" | ")];
    let rows = rows.into_iter().map(|row| row.join(" | "));
    let lines = head.into_iter().chain(rows);
    lines
        .map(|line| format!("| {line} |\n"))
        .collect::<Vec<_>>()
        .concat()
}

/// The texts as code, in one cell; a dash for none.
fn code<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<_> = texts.into_iter().map(|text| format!("`{text}`")).collect();
    if texts.is_empty() {
        "–".to_owned()
    } else {
        texts.join(", ")
    }
}
