#![doc = include_str!("../README.md")]
#![expect(
    clippy::missing_panics_doc,
    reason = "a broken set-up must fail its test: every function here panics, and says what to do"
)]

pub mod canary;
mod database;
pub mod invariants;
mod migrations;
mod postgres;
mod run;
mod sqlite;
mod suite;

pub use database::{Backend, TestDatabase};
pub use postgres::{Disk, OwnServer, certificates};
pub use run::{AsyncTest, run, run_alone, run_cramped, run_empty};
