//! What an executor does with the tasks of a database.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod complete_in;
mod drain;
mod ends;
mod lease;
mod metrics;
mod outage;
mod pipeline;
mod processes;
mod recorder;
mod retention;
mod signals;
mod stop;
mod support;
mod tenant;
mod trouble;
mod wakeups;
