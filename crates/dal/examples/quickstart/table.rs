//! Tables of text, for a person.

use std::io::Write;

use chrono::{DateTime, Utc};

use crate::Result;

/// Writes rows under their columns; those whose title ends in " >" are flush right.
pub(crate) fn table<const N: usize>(
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

pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.format("%H:%M:%S%.3f").to_string()
}

/// 1234567 as "1,234,567".
pub(crate) fn thousands(number: u64) -> String {
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
