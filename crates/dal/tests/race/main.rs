//! Two transactions that meet, in both orders: the first is held open, the second is seen to wait for it.
//!
//! Mostly on Postgres alone, whose locks they are. On SQLite there is one writer at a time, and whoever waits has read
//! nothing yet: `pairs` shows that.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support"]
mod support {
    pub(crate) mod call;
    pub(crate) mod meeting;
    pub(crate) mod scene;
}

mod attempt;
mod dependency;
mod end;
mod isolation;
mod lists;
mod outbox;
mod pairs;
mod pipeline;
mod pipeline_by_hand;
mod prune;
mod serial;
mod task;
mod worker;
