//! Random sequences of operations, on both backends and on a reference written from the documents alone:
//! every answer and everything that is left at the end must be the same.
//!
//! `PROPTEST_CASES` says how many sequences, `PROPTEST_RNG_SEED` which.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod operation;
mod reference;
mod state;
mod subject;
mod work;

use std::{env, fmt::Debug};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use taskbox_test_support::Backend;
use tokio::runtime::Runtime;

use operation::Step;
use reference::Reference;
use subject::Subject;

#[test]
fn both_backends_answer_and_end_as_the_reference_does() {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 48;
    }
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => fastrand::u64(..),
    };
    config.rng_seed = RngSeed::Fixed(seed);
    let runtime = Runtime::new().unwrap();
    let postgres = runtime.block_on(Subject::new(Backend::Postgres));
    let sqlite = runtime.block_on(Subject::new(Backend::Sqlite));
    let result = TestRunner::new(config).run(&operation::steps(), |steps| {
        runtime
            .block_on(run(&steps, &postgres, &sqlite))
            .map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("PROPTEST_RNG_SEED={seed} shows this again: {error}");
    }
}

/// The first difference, if there is one.
async fn run(steps: &[Step], postgres: &Subject, sqlite: &Subject) -> Result<(), String> {
    let mut reference = Reference::default();
    postgres.clear().await;
    sqlite.clear().await;
    for step in steps {
        run_step(step, &mut reference, postgres, sqlite).await?;
    }
    for step in reference.repairs() {
        run_step(&step, &mut reference, postgres, sqlite).await?;
    }
    let expected = reference.state();
    for subject in [postgres, sqlite] {
        let backend = subject.db.backend();
        let state = state::read(subject).await;
        same(&format!("the state on {backend}"), &expected, &state)?;
        let broken = taskbox_test_support::invariants::broken(&subject.db).await;
        same(
            &format!("what is broken on {backend}"),
            &Vec::new(),
            &broken,
        )?;
    }
    Ok(())
}

async fn run_step(
    step: &Step,
    reference: &mut Reference,
    postgres: &Subject,
    sqlite: &Subject,
) -> Result<(), String> {
    let allowed = reference.run(step);
    let (on_postgres, on_sqlite) = tokio::join!(postgres.run(step), sqlite.run(step));
    same(
        &format!("SQLite's answers to {step:?}"),
        &on_postgres,
        &on_sqlite,
    )?;
    same(
        &format!("how many answers to {step:?}"),
        &allowed.len(),
        &on_postgres.len(),
    )?;
    for (allowed, answer) in allowed.iter().zip(&on_postgres) {
        if !allowed.contains(answer) {
            return Err(format!(
                "{step:?} was answered by {answer:?}, not by one of {allowed:?}"
            ));
        }
    }
    Ok(())
}

fn same<T: Debug + PartialEq>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:#?}, found {found:#?}"))
}
