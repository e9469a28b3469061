//! Tables that a person reads.

use std::{collections::HashMap, io::Write};

use chrono::{DateTime, Utc};
use taskbox_models::{ExecutionEvent, TaskExecution, TaskOutbox};

use crate::{Result, files::File, import::Failure};

/// How many rows of the outbox are shown.
pub(crate) const ROWS: i64 = 10;

/// The outbox's rows, with the file that each task is for.
pub(crate) fn outbox(
    out: &mut impl Write,
    outbox: &[TaskOutbox],
    tasks: &[TaskExecution],
    files: &[File],
) -> Result<()> {
    let file_of: HashMap<_, _> = tasks.iter().map(|task| task.id).zip(files).collect();
    let rows = outbox.iter().filter_map(|row| {
        let file = file_of.get(&row.task_execution_id)?;
        Some([
            row.id.to_string(),
            row.task_execution_id.to_string(),
            time(row.created_at),
            thousands(file.bytes),
            file.name.clone(),
        ])
    });
    let columns = ["id >", "task_execution_id", "created_at", "bytes >", "file"];
    table(out, columns, rows.collect())?;
    if tasks.len() > outbox.len() {
        writeln!(out, "  … and {} more\n", tasks.len() - outbox.len())?;
    }
    Ok(())
}

/// What was counted around a transaction that failed.
pub(crate) fn counts(out: &mut impl Write, failure: &Failure) -> Result<()> {
    let moments = failure
        .before
        .iter()
        .zip(&failure.inside)
        .zip(&failure.after);
    let rows = moments.map(|((before, inside), after)| {
        [
            before.0.to_owned(),
            before.1.to_string(),
            inside.1.to_string(),
            after.1.to_string(),
        ]
    });
    table(
        out,
        ["rows in", "before >", "inside >", "after >"],
        rows.collect(),
    )?;
    writeln!(
        out,
        "  It said \"{}\", and left nothing behind.\n",
        failure.error
    )?;
    Ok(())
}

/// A task's events.
pub(crate) fn history(out: &mut impl Write, events: &[ExecutionEvent]) -> Result<()> {
    let rows = events.iter().map(|event| {
        [
            event.id.to_string(),
            time(event.created_at),
            event.event_type.to_string(),
        ]
    });
    table(out, ["id >", "created_at", "event_type"], rows.collect())
}

/// Writes rows under their columns; those whose title ends in " >" are flush right.
fn table<const N: usize>(
    out: &mut impl Write,
    columns: [&str; N],
    rows: Vec<[String; N]>,
) -> Result<()> {
    let right = columns.map(|column| column.ends_with(" >"));
    let titles = columns.map(|column| column.trim_end_matches(" >").to_owned());
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().chain([&titles]);
        let widths = cells.map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    });
    let lines = widths.map(|width| "─".repeat(width));
    for row in [titles, lines].into_iter().chain(rows) {
        let cells = row.iter().zip(widths).zip(right);
        let line: Vec<_> = cells
            .map(|((cell, width), right)| {
                if right {
                    format!("  {cell:>width$}")
                } else {
                    format!("  {cell:<width$}")
                }
            })
            .collect();
        writeln!(out, "{}", line.concat().trim_end())?;
    }
    writeln!(out)?;
    Ok(())
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%H:%M:%S%.3f").to_string()
}

/// 1234567 as "1,234,567".
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{table, thousands};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut out = Vec::new();
        let rows = vec![["9".into(), "é".into()], ["10".into(), "b".into()]];
        table(&mut out, ["n >", "letter"], rows).unwrap();
        let expected = "   n  letter\n  ──  ──────\n   9  é\n  10  b\n\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn thousands_are_set_apart() {
        let numbers = [0, 999, 1_000, 1_234_567];
        assert_eq!(numbers.map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
