//! All SQL of this crate. One file per table, and one for the transitions.
//!
//! Ordinary queries are typed Diesel, compiled once per backend by `on!`. Statements that Diesel's language
//! cannot say are [`Sql`]: named functions that return text and binds, with golden snapshots in `tests/sql.rs`.

pub(crate) mod execution_event;
pub(crate) mod pipeline_execution;
mod sql;
pub(crate) mod task_execution;
pub(crate) mod task_outbox;
pub(crate) mod transition;

#[cfg(feature = "sqlite")]
pub(crate) use sql::json_of;
pub(crate) use sql::{Bind, Sql};
