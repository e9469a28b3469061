//! Whether a claim takes longer where there is more: among a million ready tasks, with a million that have finished,
//! and beside a snapshot that keeps whatever was claimed since. Each against a claim among a thousand, in a database
//! of its own.

mod arena;

use std::time::Duration;

use taskbox_test_support::Backend;

use self::arena::Arena;
use crate::{
    options::Options,
    table::{Table, print_slowest},
};

/// How many tasks are ready, and how many have finished.
const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
/// How many are claimed and completed while the snapshot is open.
const CLAIMED: u32 = 100_000;

const ALONE_BAR: f64 = 1.2;
const SNAPSHOT_BAR: f64 = 1.5;

pub(crate) async fn run(options: &Options) {
    let table = Table::new(&["few", "many"], "many");
    let (many, claimed) = if options.once {
        (2 * FEW, FEW)
    } else {
        (MANY, CLAIMED)
    };
    for backend in [Backend::Postgres, Backend::Sqlite] {
        let name = format!("scale/{backend}");
        if !options.wants(&name) {
            continue;
        }
        let arenas = [
            Arena::new(backend, FEW).await,
            Arena::new(backend, many).await,
        ];
        compare(options, &table, &name, &arenas, ALONE_BAR).await;
        let snapshot = arenas[1].open_snapshot().await;
        arenas[1].finish(claimed).await;
        let name = format!("{name}/snapshot");
        compare(options, &table, &name, &arenas, SNAPSHOT_BAR).await;
        drop(snapshot);
    }
}

async fn compare(options: &Options, table: &Table, name: &str, arenas: &[Arena; 2], bar: f64) {
    for (limit, rounds) in [(1, 300), (10, 200), (100, 100)] {
        let times = measure(arenas, limit, options.rounds(rounds)).await;
        table.row(&format!("{name}/claim/{limit}"), &times, Some(bar));
        print_slowest(&times);
    }
}

/// The times of claims in each of the databases, round by round.
async fn measure(arenas: &[Arena; 2], limit: u32, rounds: usize) -> [Vec<Duration>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        // Whoever is first in a round is last in the next.
        for turn in [round % 2, (round + 1) % 2] {
            times[turn].push(arenas[turn].claim(limit).await);
            arenas[turn].put_back().await;
        }
    }
    times
}
