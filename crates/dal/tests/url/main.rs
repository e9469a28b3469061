//! What a URL can be, what is said of one that cannot, and that a password is never repeated.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod file;
mod server;
mod text;

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use taskbox_dal::{DAL, DALBuilder, Error};
use taskbox_test_support::{TestDatabase, canary::PASSWORD_IN_URL};

/// The password, which must show nowhere.
const PASSWORD: &str = "s3cr3t";

taskbox_test_support::suite! {
    postgres: [
        a_database_that_is_not_there_is_named,
        a_handle_does_not_show_its_password,
    ],
}

async fn refusal(builder: DALBuilder) -> Error {
    let begun = Instant::now();
    let error = builder.connect().await.unwrap_err();
    let taken = begun.elapsed();
    assert!(taken < Duration::from_secs(20), "{error} took {taken:?}");
    assert_keeps_the_secret(&error);
    error
}

fn assert_keeps_the_secret(error: &Error) {
    let mut causes: Vec<String> = vec![error.to_string(), format!("{error:?}")];
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        causes.push(next.to_string());
        cause = next;
    }
    for text in causes {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

async fn a_database_that_is_not_there_is_named(db: &TestDatabase) {
    let error = refusal(DAL::builder(db.url().replace('?', "_missing?"))).await;
    assert!(matches!(error, Error::Connection(_)), "{error:?}");
    assert!(error.to_string().contains("_missing"), "{error}");
    assert!(error.to_string().contains("`createdb`"), "{error}");
}

/// The server trusts the tests and does not ask for it.
async fn a_handle_does_not_show_its_password(db: &TestDatabase) {
    fn shown(value: &impl Debug) -> bool {
        format!("{value:?}{value:#?}").contains(PASSWORD)
    }
    let url = db.url().replacen(PASSWORD_IN_URL, PASSWORD, 1);
    let builder = DAL::builder(url);
    assert!(!shown(&builder));
    let dal = builder.connect().await.unwrap();
    assert!(!shown(&dal));
    assert!(!shown(&dal.task_outbox()));
    dal.transaction(async |tx| {
        assert!(!shown(tx));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}
