//! What passes between the DAL and Postgres, by a proxy between them.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod begin;
mod commit;
mod cut;
mod round_trips;

#[path = "../support"]
mod support {
    pub(crate) mod attempt;
    pub(crate) mod one_thread;
    pub(crate) mod operation;
    pub(crate) mod orders;
    pub(crate) mod own_sql;
    pub(crate) mod pipeline;
    pub(crate) mod prepared;
    pub(crate) mod proxy;
    pub(crate) mod read;
    pub(crate) mod task;
}
