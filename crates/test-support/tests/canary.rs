//! A secret that is said, however it is, fails the test that ends next.

use std::{
    fmt,
    panic::{self, UnwindSafe},
};

use taskbox_test_support::{
    Backend, TestDatabase,
    canary::{self, PASSWORD, PASSWORD_IN_URL, PAYLOAD},
    run,
};

async fn says_nothing(_db: &TestDatabase) {
    tracing::warn!(task = 1, "well");
}

async fn traces_an_event(_db: &TestDatabase) {
    tracing::trace!(input = PAYLOAD, "claimed");
}

async fn traces_by_words(_db: &TestDatabase) {
    tracing::error!("cannot connect by {PASSWORD}");
}

async fn traces_a_span(_db: &TestDatabase) {
    let _span = tracing::debug_span!("attempt", input = ?[PAYLOAD]);
}

async fn records_in_a_span(_db: &TestDatabase) {
    let span = tracing::info_span!("attempt", output = tracing::field::Empty);
    span.record("output", PAYLOAD);
}

async fn logs(_db: &TestDatabase) {
    log::info!("connecting to postgres://u:{PASSWORD_IN_URL}@host/");
}

async fn panics(_db: &TestDatabase) {
    let task = tokio::spawn(async { panic!("cannot use {PAYLOAD}") });
    assert!(task.await.unwrap_err().is_panic());
}

async fn fails_with_it(_db: &TestDatabase) {
    panic!("expected something else than {PAYLOAD}");
}

#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner(&'static str);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.0.0.len())
    }
}

impl std::error::Error for Outer {}

async fn shows_it_in_the_debug_of_an_error(_db: &TestDatabase) {
    canary::hear_error(&Outer(Inner(PAYLOAD)));
}

fn ends_well(test: impl FnOnce() + UnwindSafe) -> bool {
    panic::catch_unwind(test).is_ok()
}

/// One after the other, since whatever is heard in this process is heard by all its tests.
#[test]
fn whoever_says_a_secret_fails() {
    assert!(ends_well(|| run(Backend::Sqlite, says_nothing)));
    assert_eq!(canary::warnings("canary").len(), 1);
    assert!(!ends_well(|| run(Backend::Sqlite, traces_an_event)));
    assert!(!ends_well(|| run(Backend::Sqlite, traces_by_words)));
    assert!(!ends_well(|| run(Backend::Sqlite, traces_a_span)));
    assert!(!ends_well(|| run(Backend::Sqlite, records_in_a_span)));
    assert!(!ends_well(|| run(Backend::Sqlite, logs)));
    assert!(!ends_well(|| run(Backend::Sqlite, panics)));
    let shows = shows_it_in_the_debug_of_an_error;
    assert!(!ends_well(|| run(Backend::Sqlite, shows)));
    // That one alone.
    assert!(!ends_well(|| run(Backend::Sqlite, fails_with_it)));
    assert!(ends_well(|| run(Backend::Sqlite, says_nothing)));
}
