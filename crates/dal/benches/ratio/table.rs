//! A table of times, with the ratio of two of its columns beside the bar for it.

#![expect(clippy::print_stdout, reason = "for people at a terminal")]

use std::time::Duration;

/// The columns, of which one is compared with the first.
pub(crate) struct Table {
    compared: usize,
}

impl Table {
    /// Prints the heads of the columns.
    pub(crate) fn new<'a>(columns: &[&'a str], compared: &'a str) -> Self {
        let heads: Vec<_> = columns.iter().map(|head| format!("{head:>11}")).collect();
        let (heads, first) = (heads.concat(), columns[0]);
        println!("\n{:32}{heads}   {compared} / {first}", "median in ms");
        let position = columns.iter().position(|column| *column == compared);
        Self {
            compared: position.expect("it is one of the columns"),
        }
    }

    /// Prints a row: of each column its times, round by round.
    pub(crate) fn row(&self, name: &str, times: &[Vec<Duration>], bar: Option<f64>) {
        let medians: Vec<_> = times
            .iter()
            .map(|times| format!("{:>11.3}", median(milliseconds(times))))
            .collect();
        let (floor, compared) = (&times[0], &times[self.compared]);
        // Within a round, since what else the machine does changes from one to the next.
        let rounds = milliseconds(compared).zip(milliseconds(floor));
        let ratio = median(rounds.map(|(compared, floor)| compared / floor));
        // Others who want the processor only add time: the fastest tenth had least of them.
        let fast = |times| quantile(10, milliseconds(times));
        let undisturbed = fast(compared) / fast(floor);
        let verdict = bar.map_or("no bar".to_owned(), |bar| {
            let verdict = if ratio <= bar { "meets" } else { "misses" };
            format!("{verdict} {bar:.2}")
        });
        let medians = medians.concat();
        println!("{name:32}{medians}{ratio:>12.2} ({undisturbed:.2}) {verdict}");
    }
}

/// Prints the slowest round of each column, below the row of the medians.
pub(crate) fn print_slowest(times: &[Vec<Duration>]) {
    let slowest = times
        .iter()
        .map(|times| format!("{:>11.3}", milliseconds(times).fold(0.0, f64::max)));
    println!("{:32}{}", "  the slowest", slowest.collect::<String>());
}

fn milliseconds(times: &[Duration]) -> impl Iterator<Item = f64> {
    times.iter().map(|time| time.as_secs_f64() * 1_000.0)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(2, values)
}

/// The value that one in `parts` is below.
fn quantile(parts: usize, values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / parts]
}
