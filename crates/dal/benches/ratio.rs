//! The price of the DAL: `mark_ready` by it and by SQL written for this alone, turn by turn in one run.
//!
//! Absolute times say more of the machine than of the code, and a machine changes from one run to the next.
//! Of Criterion's arguments this knows two: `--test` runs everything once, and a first argument that is no
//! option chooses the cases whose names contain it.

#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

mod mark_ready {
    pub(crate) mod arena;
    pub(crate) mod case;
    pub(crate) mod contestant;
}

use std::{env, fmt::Display, time::Duration};

use taskbox_test_support::Backend;
use tokio::runtime::Runtime;

use mark_ready::{
    arena::{Arena, time},
    case::Case,
    contestant::{Contestant, Shape},
};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let once = arguments.iter().any(|argument| argument == "--test");
    let filter = arguments.first().filter(|first| !first.starts_with('-'));
    let runtime = Runtime::new().expect("a runtime needs nothing but threads");
    println!(
        "\n{:28}{}   dal/floor",
        "median in ms",
        columns(Shape::as_str)
    );
    for case in Case::all() {
        let name = format!("mark_ready/{case}");
        if filter.is_none_or(|filter| name.contains(filter)) {
            let rounds = if once { 1 } else { rounds(case) };
            let times = runtime.block_on(times(case, rounds));
            println!("{name:32}{}", row(case, &times));
        }
    }
}

fn rounds(case: Case) -> u64 {
    match case.tasks {
        1 => 1_000,
        100 => 100,
        _ => 11,
    }
}

/// By how much the DAL may be slower than the floor: on batches by a quarter, which is 0.8 times its throughput.
fn bar(case: Case) -> f64 {
    match (case.tasks, case.backend) {
        (1, Backend::Postgres) => 1.3,
        (1, Backend::Sqlite) => 1.5,
        _ => 1.25,
    }
}

/// The times of every shape, in the order of [`Shape::ALL`], round by round.
async fn times(case: Case, rounds: u64) -> Vec<Vec<Duration>> {
    let arena = Arena::new(case).await;
    let mut contestants = Vec::new();
    for shape in Shape::ALL {
        contestants.push((Contestant::new(shape, &arena).await, Vec::new()));
    }
    let turns = contestants.len();
    let tasks = arena.new_tasks(rounds * turns as u64).await;
    for (turn, call) in tasks.chunks(case.tasks).enumerate() {
        // Whoever is first in a round is last in the next.
        let (contestant, times) = &mut contestants[(turn + turn / turns) % turns];
        times.push(time(contestant, call).await);
    }
    arena.check().await;
    contestants.into_iter().map(|(_, times)| times).collect()
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

fn columns<T: Display>(column: impl Fn(Shape) -> T) -> String {
    let columns = Shape::ALL.map(|shape| format!("{:>10}", column(shape)));
    columns.concat()
}

fn row(case: Case, times: &[Vec<Duration>]) -> String {
    let milliseconds = |shape: Shape| {
        let times = times[shape as usize].iter();
        times.map(|time| time.as_secs_f64() * 1_000.0)
    };
    // Within a round, since what else the machine does changes from one to the next.
    let rounds = milliseconds(Shape::Dal).zip(milliseconds(Shape::Floor));
    let ratio = median(rounds.map(|(dal, floor)| dal / floor));
    // Others who want the processor only add time: the fastest tenth had least of them.
    let fast = |shape| quantile(10, milliseconds(shape));
    let undisturbed = fast(Shape::Dal) / fast(Shape::Floor);
    let bar = bar(case);
    let verdict = if ratio <= bar { "meets" } else { "misses" };
    format!(
        "{}{ratio:>12.2} ({undisturbed:.2}) {verdict} {bar:.2}",
        columns(|shape| format!("{:.3}", median(milliseconds(shape))))
    )
}
