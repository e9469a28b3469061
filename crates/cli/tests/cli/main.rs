//! What the program prints, as transcripts: the same on both backends.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod cleanup;
mod demo;
mod doctor;
mod events;
mod frame;
mod getting_started;
mod help;
mod look;
mod migrate;
mod page;
mod schema;
mod steer;
mod support;
