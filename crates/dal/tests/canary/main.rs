//! A password and a payload that must show nowhere: not in an error, a `Debug`, a panic, or anything that is logged.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ear;
mod trouble;

use std::time::Duration;

use taskbox_dal::{DAL, Error, Result};
use taskbox_test_support::{Backend, TestDatabase};

/// The password, as it is and as a URL has it.
const PASSWORD: [&str; 2] = ["c4n4ry/p4ss", "c4n4ry%2Fp4ss"];
/// What tasks are given, return and fail with.
const PAYLOAD: &str = "c4n4ry-payload";

taskbox_test_support::suite! {
    both: [nothing_that_goes_wrong_shows_the_payload],
    postgres: [no_connection_shows_its_password],
}

async fn nothing_that_goes_wrong_shows_the_payload(db: &TestDatabase) {
    ear::listen();
    let url = with_password(db);
    let dal = DAL::connect(&url).await.unwrap();
    ear::hear(&format!("{dal:?} {:?}", DAL::builder(&url)));
    for (what, error) in trouble::all(db, &dal, &url).await {
        ear::hear_error(what, &error);
    }
    ear::never_heard(&[&PASSWORD[..], &[PAYLOAD]].concat());
}

/// The server trusts most users, and so does not ask for it.
fn with_password(db: &TestDatabase) -> String {
    match db.backend() {
        Backend::Postgres => db.url().replacen('@', &format!(":{}@", PASSWORD[1]), 1),
        Backend::Sqlite => db.url(),
    }
}

async fn no_connection_shows_its_password(db: &TestDatabase) {
    ear::listen();
    db.execute("DO $$ BEGIN CREATE ROLE taskbox_password LOGIN SUPERUSER PASSWORD 'p%/w'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$").await;
    let url = with_password(db);
    let (good, _) = url.split_once('?').unwrap();
    let asked = good
        .replace("postgres:", "taskbox_password:")
        .replace("taskbox_password://", "postgres://");
    let password = PASSWORD[1];
    for url in [
        format!("{asked}?sslmode=require"),
        format!("{asked}?sslmode=disable"),
        format!("{good}_missing"),
        format!("{good}?sslmode=verify-full"),
        format!("{good}?sslmode=verify-ca&sslrootcert=/missing"),
        format!("{good}?options=-c%20no_such_setting=1"),
        format!("{good}?connect_timeout=x"),
        format!("{good}?password={password}&sslcrl=x"),
        format!("{good}?password={password}&port=1&hostaddr=127.0.0.1"),
        format!("{good}?{password}"),
        good.replace("postgres://", "mysql://"),
        good.replace("127.0.0.1", "nowhere.invalid"),
        good.replace("127.0.0.1:", "127.0.0.1:9"),
        good.replacen(':', ":@", 1),
        format!("postgres://u:{password}"),
        format!("postgres://u:{password}:{password}@127.0.0.1:{password}/"),
    ] {
        let builder = DAL::builder(&url).acquire_timeout(Duration::from_secs(2));
        ear::hear(&format!("{builder:?}"));
        match builder.connect().await {
            Err(error) => ear::hear_error("connect", &error),
            Ok(dal) => panic!("connected to {url} as {dal:?}"),
        }
    }
    ear::never_heard(&PASSWORD);
}

/// The error of a call that has to fail.
async fn error<T>(
    what: &'static str,
    call: impl Future<Output = Result<T>>,
) -> (&'static str, Error) {
    match call.await {
        Err(error) => (what, error),
        Ok(_) => panic!("{what} did not fail"),
    }
}
