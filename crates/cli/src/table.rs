//! Tables of text.

use std::{fmt, io::Write};

use anstream::adapter::strip_str;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::{Result, output::Output, text};

/// Rows under their columns.
pub(crate) struct Table<const N: usize> {
    columns: [String; N],
    rows: Vec<[Cell; N]>,
}

/// A piece of text, without characters that a terminal would act upon, and how it looks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const RED: Style = AnsiColor::Red.on_default();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self {
            text: text::one_line(text.as_ref()),
            style: Style::new(),
        }
    }

    pub(crate) fn style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// One that has its styles in it.
    pub(crate) fn drawn(text: String) -> Self {
        let style = Style::new();
        Self { text, style }
    }

    /// So wide at least.
    pub(crate) fn padded(mut self, width: usize) -> Self {
        let room = width.saturating_sub(self.width());
        self.text.push_str(&" ".repeat(room));
        self
    }

    fn width(&self) -> usize {
        strip_str(&self.text).to_string().width()
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = self.style;
        write!(f, "{style}{}{style:#}", self.text)
    }
}

impl<const N: usize> Table<N> {
    /// A table of these columns; those whose title ends in " >" are flush right.
    pub(crate) fn new(columns: [&str; N]) -> Self {
        let (columns, rows) = (columns.map(str::to_owned), Vec::new());
        Self { columns, rows }
    }

    pub(crate) fn row(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn write(&self, out: &mut Output) -> Result<()> {
        let right = self.columns.each_ref().map(|column| column.ends_with(" >"));
        let titles = self
            .columns
            .each_ref()
            .map(|column| Cell::new(column.trim_end_matches(" >")).style(BOLD));
        let widths: [usize; N] = std::array::from_fn(|column| {
            let cells = self.rows.iter().chain([&titles]);
            let widths = cells.map(|row| row[column].width());
            widths.max().unwrap_or_default()
        });
        for row in [&titles].into_iter().chain(&self.rows) {
            writeln!(out, "{}", line(row, widths, right))?;
        }
        Ok(())
    }
}

/// A row, without spaces at its end.
fn line<const N: usize>(row: &[Cell; N], widths: [usize; N], right: [bool; N]) -> String {
    let mut line = String::new();
    let mut gap = 0;
    for ((cell, width), right) in row.iter().zip(widths).zip(right) {
        let room = width - cell.width();
        let (before, after) = if right { (room, 0) } else { (0, room) };
        if cell.text.is_empty() {
            gap += width + 2;
            continue;
        }
        line.push_str(&" ".repeat(gap + before));
        line.push_str(&cell.to_string());
        gap = after + 2;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{Cell, RED, line};

    #[test]
    fn a_row_is_as_wide_as_it_looks_and_ends_with_its_last_letter() {
        let row = [
            Cell::new("日本").style(RED),
            Cell::new("7"),
            Cell::default(),
            Cell::new("x"),
            Cell::default(),
        ];
        let line = line(&row, [5, 3, 2, 1, 4], [false, true, false, false, false]);
        assert_eq!(line, "\u{1b}[31m日本\u{1b}[0m     7      x");
    }

    #[test]
    fn nothing_of_a_cell_reaches_the_terminal_as_a_command() {
        assert_eq!(
            Cell::new("a\u{1b}[2Jb\nc\u{9b}").text,
            "a\u{fffd}[2Jb c\u{fffd}"
        );
    }
}
