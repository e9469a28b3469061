//! The figures, as text and as JSON.

use std::{io::Write, time::Duration};

use serde::Serialize;

use super::{
    measure::{Measured, Times},
    settings::Settings,
};
use crate::{
    Result,
    output::Output,
    table::{Cell, Table},
    text,
};

pub(super) struct Report {
    pub(super) settings: Settings,
    pub(super) measured: Measured,
}

impl Report {
    pub(super) fn write(&self, out: &mut Output) -> Result<()> {
        self.settings.write(out)?;
        writeln!(out)?;
        let mut table = Table::new([
            "",
            "tasks >",
            "tasks/s >",
            "p50 ms >",
            "p99 ms >",
            "max ms >",
        ]);
        for figures in self.figures() {
            table.row(figures.row());
        }
        table.write(out)?;
        writeln!(
            out,
            "\nEnqueue is the two calls that create a task or a batch and make it ready. Drain runs all of them. A start is a task\n\
             made ready for an executor that waits, until its handler begins. The figures are those of this machine, with what else\n\
             it did meanwhile, and of tasks that do nothing: the time of your handlers, and of writes of your own, comes on top."
        )?;
        if self.settings.is_given {
            writeln!(out, "\n{}", self.settings.what_stays())?;
        }
        Ok(())
    }

    fn figures(&self) -> [Figures; 5] {
        let measured = &self.measured;
        [
            Figures::of_all("enqueue, one by one", &measured.one_by_one),
            Figures::of_all("enqueue, in batches", &measured.batches),
            Figures::of_all("drain", &measured.drain),
            Figures::of_each("start, since the call", &measured.since_call),
            Figures::of_each("start, since its answer", &measured.since_answer),
        ]
    }
}

impl Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            settings: &'a Settings,
            figures: [Figures; 5],
        }
        let document = Document {
            settings: &self.settings,
            figures: self.figures(),
        };
        document.serialize(serializer)
    }
}

/// One row. What was not measured is null.
#[derive(Serialize)]
struct Figures {
    what: &'static str,
    tasks: u32,
    tasks_per_second: Option<f64>,
    p50_seconds: Option<f64>,
    p99_seconds: Option<f64>,
    max_seconds: Option<f64>,
}

impl Figures {
    fn of_all(what: &'static str, times: &Times) -> Self {
        let rate = f64::from(times.tasks) / times.whole.as_secs_f64();
        Self {
            tasks_per_second: Some(rate),
            ..Self::of_each(what, times)
        }
    }

    fn of_each(what: &'static str, times: &Times) -> Self {
        let mut each = times.each.clone();
        each.sort_unstable();
        let percentile = |percent| percentile(&each, percent).map(|it| it.as_secs_f64());
        Self {
            what,
            tasks: times.tasks,
            tasks_per_second: None,
            p50_seconds: percentile(50),
            p99_seconds: percentile(99),
            max_seconds: percentile(100),
        }
    }

    fn row(&self) -> [Cell; 6] {
        #[expect(clippy::cast_possible_truncation, reason = "it is a whole number then")]
        let whole = |rate: f64| text::number(rate.round() as i128);
        let rate = self.tasks_per_second.map(whole);
        let milliseconds = |seconds: Option<f64>| {
            let text = seconds.map(|seconds| format!("{:.3}", seconds * 1_000.0));
            Cell::new(text.unwrap_or_default())
        };
        [
            Cell::new(self.what),
            Cell::new(text::number(self.tasks)),
            Cell::new(rate.unwrap_or_default()),
            milliseconds(self.p50_seconds),
            milliseconds(self.p99_seconds),
            milliseconds(self.max_seconds),
        ]
    }
}

/// Of times in their order, the first that so many percent do not exceed; none of no times.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::percentile;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let milliseconds = |percent| percentile(&times, percent).map(|it| it.as_millis());
        assert_eq!(
            [50, 99, 100].map(milliseconds),
            [Some(100), Some(198), Some(200)]
        );
        assert_eq!(percentile(&times[..1], 50), Some(times[0]));
        assert_eq!(percentile(&times[..1], 100), Some(times[0]));
        assert_eq!(percentile(&[], 99), None);
    }
}
