//! A schema for each tenant: what one does, the others neither see nor feel, and nobody falls back to `public`.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod connect;
mod dirty;
mod isolation;
mod migrate;
mod missing;
mod restricted;
mod stress;
mod wakeups;

#[path = "../support"]
mod support {
    pub(crate) mod own_sql;
    pub(crate) mod poll;
    pub(crate) mod task;
    pub(crate) mod versions;
}

use taskbox_dal::DAL;
use taskbox_test_support::TestDatabase;

/// A handle of one tenant, with its tables, and so few connections that each is used again and again.
async fn tenant(db: &TestDatabase, schema: &str) -> DAL {
    let dal = unmigrated(db, schema).await;
    dal.migrate().await.unwrap();
    dal
}

/// A handle of one tenant, which may have no tables yet.
async fn unmigrated(db: &TestDatabase, schema: &str) -> DAL {
    let dal = DAL::builder(db.url()).schema(schema).pool_size(2);
    dal.connect().await.unwrap()
}
