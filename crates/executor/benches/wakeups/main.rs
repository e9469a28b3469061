//! How soon a task starts that was made ready for an idle executor, and what it costs to be idle.
//!
//! On Postgres beside SQL of its own that does no more than it must, turn by turn in one run. Of Criterion's arguments this
//! knows those that the other benchmarks know.

mod by_executor;
mod floor;
mod idle;
#[path = "../../../dal/benches/ratio/options.rs"]
mod options;
#[path = "../../../dal/benches/ratio/table.rs"]
mod table;

use std::time::{Duration, Instant};

use taskbox_test_support::{Backend, TestDatabase};
use tokio::{runtime::Runtime, time::sleep};

use by_executor::ByExecutor;
use floor::Floor;
use options::Options;
use table::{Table, print_slowest};

/// Starts before the first that counts.
const WARM_UP: usize = 20;
const ROUNDS: usize = 400;

/// When a task was asked for, when that was answered, and when it started.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    asked: Instant,
    answered: Instant,
    started: Instant,
}

impl Start {
    /// From the call that makes it ready.
    fn since_call(self) -> Duration {
        self.started - self.asked
    }

    /// From the answer of that call: it is ready by then.
    fn since_answer(self) -> Duration {
        self.started.saturating_duration_since(self.answered)
    }
}

fn main() {
    let options = Options::from_arguments();
    let runtime = Runtime::new().expect("a runtime needs nothing but threads");
    runtime.block_on(async {
        if options.wants("wakeups/postgres") {
            on_postgres(&options).await;
        }
        if options.wants("wakeups/sqlite") {
            on_sqlite(&options).await;
        }
        for backend in [Backend::Postgres, Backend::Sqlite] {
            let name = format!("idle/{backend}");
            if options.wants(&name) {
                idle::run(&name, backend, options.once).await;
            }
        }
    });
}

/// Whoever has started something is given the time to end it, and to wait again.
async fn settle() {
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing says that somebody waits again"
    )]
    sleep(Duration::from_millis(20)).await;
}

async fn on_postgres(options: &Options) {
    let database = TestDatabase::create(Backend::Postgres).await;
    let mut floor = Floor::new(&database).await;
    let mut executor = ByExecutor::elsewhere(&database).await;
    let mut starts = [Vec::new(), Vec::new()];
    let warm_up = options.rounds(WARM_UP);
    for round in 0..warm_up + options.rounds(ROUNDS) {
        // Whoever is first in a round is last in the next.
        for turn in [round % 2, (round + 1) % 2] {
            settle().await;
            let start = match turn {
                0 => floor.start().await,
                _ => executor.start().await,
            };
            if round >= warm_up {
                starts[turn].push(start);
            }
        }
    }
    let times = |part: fn(Start) -> Duration| {
        let times = starts
            .each_ref()
            .map(|starts| starts.iter().map(|it| part(*it)));
        times.map(Iterator::collect::<Vec<_>>)
    };
    let table = Table::new(&["floor", "executor"], "executor");
    table.row(
        "wakeups/postgres/from call",
        &times(Start::since_call),
        None,
    );
    let since_answer = times(Start::since_answer);
    table.row("wakeups/postgres/from answer", &since_answer, Some(1.5));
    print_slowest(&since_answer);
    executor.stop().await;
}

/// There is nothing to compare with: the bars are times.
async fn on_sqlite(options: &Options) {
    let database = TestDatabase::create(Backend::Sqlite).await;
    let here = ByExecutor::here(&database).await;
    row(
        "wakeups/sqlite/one program",
        here,
        options,
        Duration::from_millis(1),
    )
    .await;
    let elsewhere = ByExecutor::elsewhere(&database).await;
    let name = "wakeups/sqlite/two programs";
    row(name, elsewhere, options, Duration::from_millis(5)).await;
}

#[expect(clippy::print_stdout, reason = "for people at a terminal")]
async fn row(name: &str, mut executor: ByExecutor, options: &Options, bar: Duration) {
    let mut times = Vec::new();
    for round in 0..options.rounds(WARM_UP) + options.rounds(ROUNDS) {
        settle().await;
        let start = executor.start().await;
        if round >= options.rounds(WARM_UP) {
            times.push(start);
        }
    }
    executor.stop().await;
    let median = |part: fn(Start) -> Duration| {
        let mut times: Vec<_> = times.iter().map(|it| part(*it)).collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (call, answer) = (median(Start::since_call), median(Start::since_answer));
    let verdict = if answer <= bar { "meets" } else { "misses" };
    println!(
        "{name:32} median {answer:?} from the answer ({call:?} from the call), {verdict} {bar:?}"
    );
}
