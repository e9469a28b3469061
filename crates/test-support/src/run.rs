use std::any::{Any, type_name};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{self, Runtime};
use tokio::time::timeout;

use crate::{Backend, TestDatabase, canary, invariants};

/// Far beyond what any test takes on a slow machine: only what will never end gets there.
const LIMIT: Duration = Duration::from_mins(1);

/// An `async fn(&TestDatabase)`, or a function that answers a boxed future.
pub trait AsyncTest<'a>: FnOnce(&'a TestDatabase) -> Self::Future {
    /// What the function answers.
    type Future: Future<Output = ()> + Send + 'a;
}

impl<'a, F, Fut> AsyncTest<'a> for F
where
    F: FnOnce(&'a TestDatabase) -> Fut,
    Fut: Future<Output = ()> + Send + 'a,
{
    type Future = Fut;
}

/// Runs a test on a migrated database of its own, on a runtime of two threads, and fails it if it has not
/// ended within a minute. If it passed, the [invariants] must hold over the whole database, and no secret of the [canary]
/// may have been said.
pub fn run<T>(backend: Backend, test: T)
where
    T: for<'a> AsyncTest<'a> + Send + 'static,
{
    run_on(
        TestDatabase::create(backend),
        &name::<T>(backend),
        test,
        true,
    );
}

/// Like [`run`], on a Postgres server that the test has to itself, [`TestDatabase::own_server`]. Whatever became of the
/// server, it has to run again when the test is over.
pub fn run_alone<T>(backend: Backend, test: T)
where
    T: for<'a> AsyncTest<'a> + Send + 'static,
{
    run_on(
        TestDatabase::create_alone(),
        &name::<T>(backend),
        test,
        true,
    );
}

/// Like [`run_alone`], on a server with two small disks, which the test can [fill](crate::OwnServer::fill).
pub fn run_cramped<T>(backend: Backend, test: T)
where
    T: for<'a> AsyncTest<'a> + Send + 'static,
{
    run_on(
        TestDatabase::create_cramped(),
        &name::<T>(backend),
        test,
        true,
    );
}

/// Like [`run`], on a database without tables: for the tests of migrating. Checks no invariants.
pub fn run_empty<T>(backend: Backend, test: T)
where
    T: for<'a> AsyncTest<'a> + Send + 'static,
{
    let database = TestDatabase::create_empty(backend);
    run_on(database, &name::<T>(backend), test, false);
}

/// A test on both backends is two tests.
fn name<T>(backend: Backend) -> String {
    format!("{} on {backend}", type_name::<T>())
}

fn run_on<T>(database: impl Future<Output = TestDatabase>, name: &str, test: T, has_tables: bool)
where
    T: for<'a> AsyncTest<'a> + Send + 'static,
{
    canary::listen();
    let runtime = runtime(name);
    let database = Arc::new(runtime.block_on(database));
    let outcome = runtime.block_on(watched(Arc::clone(&database), test, LIMIT));
    if matches!(outcome, Outcome::Passed) && has_tables && database.must_be_whole() {
        runtime.block_on(invariants::assert(&database));
    }
    finish(runtime, &database, outcome, name);
}

enum Outcome {
    Passed,
    Panicked(Box<dyn Any + Send>),
    Hung,
}

/// The threads carry the test's name, since that is what a panic prints.
fn runtime(name: &str) -> Runtime {
    runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
        .expect("a runtime of two threads needs nothing")
}

/// The test runs as a task of its own, so that the watch goes on even if it blocks its thread.
async fn watched<T>(database: Arc<TestDatabase>, test: T, limit: Duration) -> Outcome
where
    T: for<'a> AsyncTest<'a> + Send + 'static,
{
    let task = tokio::spawn(async move { test(&database).await });
    match timeout(limit, task).await {
        Ok(Ok(())) => Outcome::Passed,
        Ok(Err(error)) => Outcome::Panicked(error.into_panic()),
        Err(_) => Outcome::Hung,
    }
}

/// Waits for none of the tasks that the test left behind: they may be what hangs.
fn finish(runtime: Runtime, database: &TestDatabase, outcome: Outcome, name: &str) {
    runtime.shutdown_background();
    database.remove();
    match outcome {
        Outcome::Passed => assert!(
            !has_said_secrets(),
            "this test, or one beside it, said a secret: see above"
        ),
        Outcome::Panicked(panic) => {
            // By its panic, perhaps: no other test is to fail for that.
            has_said_secrets();
            resume_unwind(panic);
        }
        Outcome::Hung => panic!("{name} hung: it had not ended after {} s", LIMIT.as_secs()),
    }
}

/// Prints what was said with a secret in it. To panic with that would be to say it again.
#[expect(clippy::print_stderr, reason = "it is what the failed test prints")]
fn has_said_secrets() -> bool {
    let found = canary::take_found();
    for words in &found {
        eprintln!("it was said: {words}");
    }
    !found.is_empty()
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::thread;

    use super::*;

    async fn waits_for_ever(_db: &TestDatabase) {
        pending::<()>().await;
    }

    async fn blocks_its_thread(_db: &TestDatabase) {
        thread::park();
    }

    async fn fails(_db: &TestDatabase) {
        panic!("on purpose");
    }

    /// Too short for a test that ends; enough for those that never do.
    const SHORT: Duration = Duration::from_millis(20);

    fn outcome<T>(test: T, limit: Duration) -> Outcome
    where
        T: for<'a> AsyncTest<'a> + Send + 'static,
    {
        let runtime = runtime("watched");
        let outcome = runtime.block_on(async {
            let database = TestDatabase::create_empty(Backend::Sqlite).await;
            watched(Arc::new(database), test, limit).await
        });
        runtime.shutdown_background();
        outcome
    }

    #[test]
    fn a_test_that_waits_for_ever_hangs() {
        assert!(matches!(outcome(waits_for_ever, SHORT), Outcome::Hung));
    }

    #[test]
    fn a_test_that_blocks_its_thread_hangs() {
        assert!(matches!(outcome(blocks_its_thread, SHORT), Outcome::Hung));
    }

    #[test]
    fn a_panic_is_handed_on() {
        let Outcome::Panicked(panic) = outcome(fails, LIMIT) else {
            panic!("the test failed");
        };
        assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
    }
}
