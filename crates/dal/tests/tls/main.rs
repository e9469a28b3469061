//! What each `sslmode` makes of a server, and that there is no plain connection where TLS was asked for.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod modes;
mod settings;
mod without;

use std::path::Path;

use diesel::{QueryableByName, sql_query, sql_types::Bool};
use diesel_async::RunQueryDsl;
use taskbox_dal::{DAL, Error, Result};
use taskbox_test_support::{TestDatabase, certificates};

use client::{
    a_client_without_its_certificate_is_refused, a_password_is_bound_to_the_connection,
    a_wrong_password_says_what_to_do, every_connection_shows_the_certificate,
};
use modes::{
    a_server_of_another_issuer_is_refused, a_server_of_another_name_is_refused_by_verify_full,
    each_mode_makes_the_connection_that_it_names, roots_are_read_for_each_connection,
};
use without::{
    a_server_without_tls_is_told_nothing_where_tls_was_asked_for, prefer_goes_on_without_tls,
};

taskbox_test_support::suite! {
    postgres: [
        each_mode_makes_the_connection_that_it_names,
        a_server_of_another_issuer_is_refused,
        a_server_of_another_name_is_refused_by_verify_full,
        roots_are_read_for_each_connection,
        a_server_without_tls_is_told_nothing_where_tls_was_asked_for,
        prefer_goes_on_without_tls,
        a_client_without_its_certificate_is_refused,
        every_connection_shows_the_certificate,
        a_password_is_bound_to_the_connection,
        a_wrong_password_says_what_to_do,
    ],
}

/// The URL of a database, by the name that its server's certificate has, without parameters.
fn by_name(db: &TestDatabase) -> String {
    by_address(db).replace("127.0.0.1", "localhost")
}

/// The same by an address that the certificate does not have.
fn by_address(db: &TestDatabase) -> String {
    let url = db.url();
    let address = url
        .split_once('?')
        .map_or(url.as_str(), |(address, _)| address);
    assert!(address.contains("127.0.0.1"), "{address}");
    address.to_owned()
}

/// The same for another user.
fn by_user(db: &TestDatabase, user: &str) -> String {
    let url = by_name(db);
    let (_, server) = url.split_once('@').unwrap();
    format!("postgres://{user}@{server}")
}

/// The parameter that names the roots of the server.
fn roots() -> String {
    roots_in(&certificates().join("ca.pem"))
}

fn roots_in(path: &Path) -> String {
    format!("sslrootcert={}", path.display())
}

async fn is_encrypted(dal: &DAL) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        ssl: bool,
    }
    dal.transaction(async |tx| {
        let query = sql_query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        let row: Row = query.get_result(tx.postgres()?).await?;
        Ok(row.ssl)
    })
    .await
}

/// Why no connection can be made.
async fn refusal(url: &str) -> String {
    match DAL::connect(url).await {
        Err(Error::Connection(problem)) => problem,
        other => panic!("expected {url} to be refused, got {other:?}"),
    }
}
