//! Values in words.

use std::time::Duration;

use chrono::{DateTime, Utc};
use taskbox_models::{PipelineStatus, TaskExecution, TaskStatus};

use crate::table::{CYAN, Cell, DIM, GREEN, RED, YELLOW};

/// On one line, and without characters that a terminal would act upon.
pub(crate) fn one_line(text: &str) -> String {
    let visible = |character: char| match character {
        '\n' | '\r' | '\t' => ' ',
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        character => character,
    };
    text.chars().map(visible).collect()
}

/// The first so many characters, on one line.
pub(crate) fn shortened(text: &str, length: usize) -> String {
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(length).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    one_line(&short)
}

/// 1234567 as "1,234,567".
pub(crate) fn number(number: impl Into<i128>) -> String {
    let number: i128 = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: "1 task", "2,000 tasks".
pub(crate) fn count(number: impl Into<i128>, thing: &str) -> String {
    let number = number.into();
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", self::number(number))
}

/// The day and the second, in UTC.
pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// The day, in UTC.
pub(crate) fn day(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d").to_string()
}

/// The millisecond of the day, in UTC.
pub(crate) fn moment(time: DateTime<Utc>) -> String {
    time.format("%H:%M:%S%.3f").to_string()
}

/// As precise as it is of use: "12 ms", "1.5 s", "2 min 3 s", "4 h", "7 d 1 h".
pub(crate) fn duration(duration: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;

    let seconds = duration.as_secs();
    let (whole, rest) = match seconds {
        0 => return format!("{} ms", duration.subsec_millis()),
        1..MINUTE => return format!("{seconds}.{} s", duration.subsec_millis() / 100),
        MINUTE..HOUR => ((seconds / MINUTE, "min"), (seconds % MINUTE, "s")),
        HOUR..DAY => ((seconds / HOUR, "h"), (seconds % HOUR / MINUTE, "min")),
        _ => ((seconds / DAY, "d"), (seconds % DAY / HOUR, "h")),
    };
    match rest.0 {
        0 => format!("{} {}", whole.0, whole.1),
        _ => format!("{} {} {} {}", whole.0, whole.1, rest.0, rest.1),
    }
}

pub(crate) fn task_status(status: TaskStatus) -> Cell {
    let style = match status {
        TaskStatus::Completed => GREEN,
        TaskStatus::Failed => RED,
        TaskStatus::Running => CYAN,
        TaskStatus::Ready | TaskStatus::Scheduled => YELLOW,
        TaskStatus::NotStarted | TaskStatus::Skipped | TaskStatus::Cancelled => DIM,
    };
    Cell::new(status.as_str()).style(style)
}

/// Which attempt a task is at, and of how many.
pub(crate) fn attempt(task: &TaskExecution) -> Cell {
    Cell::new(format!("{} of {}", task.attempt, task.max_attempts))
}

pub(crate) fn pipeline_status(status: PipelineStatus) -> Cell {
    let style = match status {
        PipelineStatus::Completed => GREEN,
        PipelineStatus::Failed => RED,
        PipelineStatus::Running => CYAN,
        PipelineStatus::Paused => YELLOW,
        PipelineStatus::Pending | PipelineStatus::Cancelled => DIM,
    };
    Cell::new(status.as_str()).style(style)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{count, duration, number, shortened};

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let numbers = [0, 999, 1_000, -1_234_567].map(|it: i64| number(it));
        assert_eq!(numbers, ["0", "999", "1,000", "-1,234,567"]);
        assert_eq!(count(1, "task"), "1 task");
        assert_eq!(count(2_000, "task"), "2,000 tasks");
    }

    #[test]
    fn durations_are_as_precise_as_is_of_use() {
        let seconds = [60, 61, 3_599, 3_600, 3_659, 86_400, 90_000];
        let texts = seconds.map(|seconds| duration(Duration::from_secs(seconds)));
        let expected = [
            "1 min",
            "1 min 1 s",
            "59 min 59 s",
            "1 h",
            "1 h",
            "1 d",
            "1 d 1 h",
        ];
        assert_eq!(texts, expected);
        let milliseconds = [0, 999, 1_000, 59_999];
        let texts = milliseconds.map(|it| duration(Duration::from_millis(it)));
        let expected = ["0 ms", "999 ms", "1.0 s", "59.9 s"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn only_what_is_too_long_is_shortened() {
        assert_eq!(shortened("abc", 3), "abc");
        assert_eq!(shortened("ab\ncd", 3), "ab …");
    }
}
