//! What is in the tables, as the page shows it.

use std::{collections::BTreeMap, fmt::Write as _};

use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

/// The tables in the order of the page, with their keys and the columns that it shows.
const TABLES: [(&str, &str, &str); 7] = [
    (
        "task_executions",
        "id",
        "status, attempt, recoveries, epoch, output, updated_at",
    ),
    (
        "task_outbox",
        "id",
        "task_execution_id, created_at, queue, priority, held",
    ),
    ("task_schedule", "task_execution_id", "due_at"),
    (
        "task_claims",
        "task_execution_id",
        "worker_id, epoch, claimed_at",
    ),
    ("task_workers", "id", "name, lease_expires_at"),
    (
        "pipeline_executions",
        "id",
        "name, status, open_tasks, updated_at",
    ),
    (
        "execution_events",
        "id",
        "pipeline_execution_id, task_execution_id, event_type, event_data",
    ),
];

type Rows = Vec<Vec<String>>;

pub(crate) struct Tables<'d> {
    db: &'d TestDatabase,
    names: Vec<(Uuid, &'static str)>,
    before: Option<BTreeMap<&'static str, Rows>>,
    shown: String,
}

impl<'d> Tables<'d> {
    pub(crate) fn of(db: &'d TestDatabase) -> Self {
        Self {
            db,
            names: Vec::new(),
            before: None,
            shown: String::new(),
        }
    }

    /// What the page calls this id.
    pub(crate) fn name(&mut self, id: Uuid, name: &'static str) {
        self.names.push((id, name));
    }

    /// Notes what has changed since the last time: the tables as they are, with what is new in bold letters.
    pub(crate) async fn show(&mut self) {
        let now = self.read().await;
        for (table, key, columns) in TABLES {
            let before = self.before.as_ref().map(|before| &before[table]);
            if before.is_some_and(|rows| *rows == now[table]) {
                continue;
            }
            match (before, now[table].as_slice()) {
                (None, []) => {}
                (Some(_), []) => write!(self.shown, "`{table}` is empty.\n\n").unwrap(),
                (before, rows) => self.shown += &drawn(table, key, columns, before, rows),
            }
        }
        self.before = Some(now);
    }

    pub(crate) async fn show_nothing_new(&mut self) {
        assert_eq!(self.before, Some(self.read().await));
    }

    /// Compares all that was noted with the tables of the page, but for the times.
    pub(crate) fn assert_on(&self, page: &str) {
        let is_table = |line: &&str| line.starts_with('|') || line.ends_with("` is empty.");
        let lines = |text: &str| -> Vec<String> {
            let text = without_times(text);
            text.lines().filter(is_table).map(str::to_owned).collect()
        };
        let (shown, page) = (lines(&self.shown), lines(page));
        assert_eq!(shown, page, "the page should show:\n\n{}", self.shown);
    }

    async fn read(&self) -> BTreeMap<&'static str, Rows> {
        let mut tables = BTreeMap::new();
        for (table, key, columns) in TABLES {
            let columns = columns.split(", ").map(|column| self.column(column));
            let columns: Vec<_> = columns.collect();
            let columns = columns.join(", ");
            let sql = format!("SELECT {key}, {columns} FROM {table} ORDER BY {key}");
            let rows = self.db.query_text(&sql).await.into_iter();
            let cell = |cell: Option<String>| self.named(&cell.unwrap_or_default());
            let rows = rows.map(|row| row.into_iter().map(cell).collect());
            tables.insert(table, rows.collect());
        }
        tables
    }

    /// A column as text that is the same on both backends: times to the second and its thousandths.
    fn column(&self, column: &str) -> String {
        match (self.db.backend(), column) {
            (_, "held") => "CASE WHEN held THEN 'true' ELSE 'false' END".to_owned(),
            (_, "output" | "event_data") => format!("CAST({column} AS text)"),
            (Backend::Postgres, time) if time.ends_with("_at") => {
                format!("to_char({time}, 'SS.MS')")
            }
            (Backend::Sqlite, time) if time.ends_with("_at") => {
                format!("printf('%06.3f', {time} % 60000000 / 1000000.0)")
            }
            (_, column) => column.to_owned(),
        }
    }

    fn named(&self, cell: &str) -> String {
        let document = serde_json::from_str::<serde_json::Value>(cell);
        let mut cell = match document {
            Ok(document) if document.is_object() => format!("`{document}`"),
            _ => cell.to_owned(),
        };
        for (id, name) in &self.names {
            for id in [id.to_string(), id.simple().to_string()] {
                cell = cell.replace(&id, name);
            }
        }
        cell
    }
}

/// The rows of a table; of the history those that are new.
fn drawn(
    table: &str,
    key: &str,
    columns: &str,
    before: Option<&Rows>,
    rows: &[Vec<String>],
) -> String {
    let columns = columns.replace(", ", " | ");
    let count = columns.split(" | ").count() + 1;
    let mut text = format!(
        "| `{table}`: {key} | {columns} |\n|{}\n",
        "---|".repeat(count)
    );
    for row in rows {
        let old = before.map(|rows| rows.iter().find(|old| old[0] == row[0]));
        if table == "execution_events" && old.flatten().is_some() {
            continue;
        }
        let is_new = |at: usize| old.is_some_and(|old| old.is_none_or(|old| old[at] != row[at]));
        let cells = row
            .iter()
            .enumerate()
            .map(|(at, cell)| match cell.as_str() {
                "" => String::new(),
                cell if is_new(at) => format!("**{cell}**"),
                cell => cell.to_owned(),
            });
        let cells: Vec<_> = cells.collect();
        writeln!(text, "| {} |", cells.join(" | ")).unwrap();
    }
    text + "\n"
}

/// With a mark for each time, `07.123`, and for what the database wrote as one, `"2026-11-26T…Z"`.
fn without_times(text: &str) -> String {
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).count();
    let is_time = |word: &str| {
        let word = word.trim_matches('*');
        word.len() == 6 && word.find('.') == Some(2) && digits(word) == 5
    };
    let lines = text.lines().map(|line| {
        let words = line.split(' ').map(|word| match word {
            word if is_time(word) => word.replace(|c: char| c.is_ascii_digit(), "0"),
            word => word.to_owned(),
        });
        let words: Vec<_> = words.collect();
        words.join(" ")
    });
    let lines: Vec<_> = lines.map(|line| without_stamp(&line)).collect();
    lines.join("\n")
}

/// `"due_at":"2026-11-26T06:30:36.920258Z"` without the digits.
fn without_stamp(line: &str) -> String {
    let Some((head, rest)) = line.split_once(r#""due_at":""#) else {
        return line.to_owned();
    };
    let Some((stamp, rest)) = rest.split_once('"') else {
        return line.to_owned();
    };
    let stamp = stamp.replace(|c: char| c.is_ascii_digit(), "0");
    format!(r#"{head}"due_at":"{stamp}"{rest}"#)
}
