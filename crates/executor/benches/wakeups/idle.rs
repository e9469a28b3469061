//! What an executor costs that has nothing to do.

use std::{
    fs,
    time::{Duration, Instant},
};

use taskbox_executor::Executor;
use taskbox_test_support::{Backend, TestDatabase};
use tokio::time::sleep;

use crate::by_executor::connect;

/// Twice the longest pause between two looks, so that there are some.
const WATCHED: Duration = Duration::from_mins(1);
/// Until a session has told the server's statistics what it did.
const TOLD: Duration = Duration::from_secs(11);

#[expect(clippy::print_stdout, reason = "for people at a terminal")]
pub(crate) async fn run(name: &str, backend: Backend, once: bool) {
    let database = TestDatabase::create(backend).await;
    let dal = connect(&database).await;
    let executor = Executor::builder(dal).task("bench", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().expect("it has a task").start();
    let (settled, watched) = if once {
        (Duration::ZERO, Duration::ZERO)
    } else {
        (TOLD, WATCHED)
    };
    pause(settled).await;
    let (begun, used) = (Instant::now(), processor());
    let commits = commits(&database).await;
    pause(watched).await;
    let (time, used) = (begun.elapsed().as_secs_f64(), processor() - used);
    let commits = self::commits(&database).await - commits;
    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    let (per_second, percent) = (commits as f64 / time, 100.0 * used / time);
    println!("{name:32} {per_second:.2} transactions/s, {percent:.2} % of a processor");
    executor.stop().await.expect("nothing runs");
}

async fn pause(duration: Duration) {
    #[expect(clippy::disallowed_methods, reason = "that nothing happens takes time")]
    sleep(duration).await;
}

/// How many transactions the server has counted, without those of the question itself.
async fn commits(database: &TestDatabase) -> i64 {
    match database.backend() {
        Backend::Postgres => {
            let commits = "SELECT xact_commit + xact_rollback FROM pg_stat_database
                WHERE datname = current_database()";
            database.query_i64(commits).await
        }
        Backend::Sqlite => 0,
    }
}

/// The processor time that this process has used, in seconds.
fn processor() -> f64 {
    /// Ticks of the clock in which Linux counts, by its interface.
    const PER_SECOND: f64 = 100.0;

    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let ticks = |field: usize| fields.get(field).and_then(|it| it.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / PER_SECOND
}
