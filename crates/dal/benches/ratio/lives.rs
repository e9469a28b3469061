//! Whole lives of tasks, by the DAL and by SQL written for this alone: made, ready, claimed, completed.

mod contestant;
mod dal;
mod postgres_sql;
mod sqlite_sql;

use std::time::Duration;

use taskbox_test_support::{Backend, TestDatabase};

pub(crate) use self::dal::connect;

use self::contestant::{Contestant, Life, Step};
use crate::{options::Options, table::Table};

/// Lives before the first that counts.
const WARM_UP: usize = 6;

pub(crate) async fn run(options: &Options) {
    let table = Table::new(&["floor", "dal"], "dal");
    for backend in [Backend::Postgres, Backend::Sqlite] {
        for tasks in [1, 100, 500, 1_000] {
            let name = format!("lives/{backend}/{tasks}");
            let is_quick = tasks <= 100;
            if options.wants(&name) && (is_quick || !options.once) {
                let lives = measure(backend, tasks, options.rounds(rounds(tasks))).await;
                print(&table, &name, backend, tasks, &lives);
            }
        }
    }
}

const fn rounds(tasks: usize) -> usize {
    match tasks {
        1 => 1_000,
        100 => 150,
        500 => 60,
        _ => 40,
    }
}

/// The lives that each of the two had the tasks lead, round by round.
async fn measure(backend: Backend, tasks: usize, rounds: usize) -> [Vec<Life>; 2] {
    let database = TestDatabase::create(backend).await;
    let mut contestants = [
        Contestant::floor(&database, tasks).await,
        Contestant::dal(&database).await,
    ];
    for _ in 0..WARM_UP.min(rounds) {
        for contestant in &mut contestants {
            contestant.live(tasks).await;
        }
    }
    // Or autovacuum does it, in the middle of a measurement.
    database.execute("ANALYZE").await;
    let mut lives = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        // Whoever is first in a round is last in the next.
        for turn in [round % 2, (round + 1) % 2] {
            lives[turn].push(contestants[turn].live(tasks).await);
        }
    }
    check(&database).await;
    lives
}

fn print(table: &Table, name: &str, backend: Backend, tasks: usize, lives: &[Vec<Life>; 2]) {
    let times = |part: &dyn Fn(&Life) -> Duration| {
        let times = lives.each_ref().map(|lives| lives.iter().map(part));
        times.map(Iterator::collect::<Vec<_>>)
    };
    let bar = bar(backend, tasks);
    for step in Step::ALL {
        let has_bar = matches!(step, Step::Claim | Step::Complete);
        table.row(
            &format!("{name}/{}", step.as_str()),
            &times(&|life| life[step as usize]),
            has_bar.then_some(bar),
        );
    }
    table.row(name, &times(&|life| life.iter().sum()), Some(bar));
}

/// By how much the DAL may be slower: 1.25 is 0.8 times the throughput of the floor, and 1.43 is 0.7 times.
const fn bar(backend: Backend, tasks: usize) -> f64 {
    match (backend, tasks) {
        (Backend::Postgres, 1) => 1.3,
        (Backend::Postgres, _) => 1.25,
        (Backend::Sqlite, 1) => 1.5,
        (Backend::Sqlite, _) => 1.43,
    }
}

/// Requires that every task has completed and says so in its history: who does half the work is not fast.
async fn check(database: &TestDatabase) {
    let unfinished = database
        .query_i64(
            "SELECT count(*) FROM task_executions t WHERE NOT (
                t.status = 'Completed' AND t.attempt = 1 AND t.epoch = 1
                AND 4 = (SELECT count(*) FROM execution_events e WHERE e.task_execution_id = t.id)
                AND EXISTS (
                    SELECT 1 FROM execution_events e
                    WHERE e.task_execution_id = t.id AND CAST(e.event_data ->> 'epoch' AS integer) = 1
                        AND CAST(e.event_data ->> 'attempt' AS integer) = 1 AND e.event_data ->> 'worker' <> ''
                )
            )",
        )
        .await;
    assert_eq!(
        unfinished, 0,
        "tasks whose lives a contestant left unfinished"
    );
    for table in ["task_outbox", "task_claims"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(database.query_i64(&count).await, 0, "rows left in {table}");
    }
}
