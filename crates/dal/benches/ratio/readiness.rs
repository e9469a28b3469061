//! `mark_ready` by the DAL and by SQL written for this alone.

use std::time::Duration;

use taskbox_test_support::Backend;

use crate::{
    mark_ready::{
        arena::{Arena, time},
        case::Case,
        contestant::{Contestant, Shape},
    },
    options::Options,
    table::Table,
};

pub(crate) async fn run(options: &Options) {
    let table = Table::new(&Shape::ALL.map(Shape::as_str), Shape::Dal.as_str());
    for case in Case::all() {
        let name = format!("mark_ready/{case}");
        if options.wants(&name) {
            let times = times(case, options.rounds(rounds(case))).await;
            table.row(&name, &times, Some(bar(case)));
        }
    }
}

fn rounds(case: Case) -> usize {
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
async fn times(case: Case, rounds: usize) -> Vec<Vec<Duration>> {
    let arena = Arena::new(case).await;
    let mut contestants = Vec::new();
    for shape in Shape::ALL {
        contestants.push((Contestant::new(shape, &arena).await, Vec::new()));
    }
    let turns = contestants.len();
    let tasks = arena.new_tasks((rounds * turns) as u64).await;
    for (turn, call) in tasks.chunks(case.tasks).enumerate() {
        // Whoever is first in a round is last in the next.
        let (contestant, times) = &mut contestants[(turn + turn / turns) % turns];
        times.push(time(contestant, call).await);
    }
    arena.check().await;
    contestants.into_iter().map(|(_, times)| times).collect()
}
