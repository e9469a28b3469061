//! Workers' calls that are dropped at any poll, alone and within a transaction, and failures that are swallowed.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alone;
mod within;

#[path = "../support"]
mod support {
    pub(crate) mod attempt;
    pub(crate) mod left;
    pub(crate) mod one_thread;
    pub(crate) mod poll;
    pub(crate) mod prepared;
}
