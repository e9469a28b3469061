//! All SQL of this crate. One file per table, and one for the transitions.
//!
//! Ordinary queries are typed Diesel, compiled once per backend by `on!`. Statements that Diesel's language
//! cannot say are [`Sql`]: text and binds. What each operation sends, of both kinds, is in `snapshots/`.

#[cfg(test)]
mod clock;
pub(crate) mod doctor;
pub(crate) mod durability;
pub(crate) mod execution_event;
pub(crate) mod live;
pub(crate) mod migration;
pub(crate) mod now;
pub(crate) mod pipeline_execution;
#[cfg(all(test, feature = "postgres", feature = "sqlite"))]
mod plans;
#[cfg(all(test, feature = "postgres", feature = "sqlite"))]
mod recorder;
#[cfg(all(test, feature = "postgres", feature = "sqlite"))]
mod snapshots;
mod sql;
pub(crate) mod stored_text;
pub(crate) mod task_dependency;
pub(crate) mod task_execution;
pub(crate) mod task_outbox;
pub(crate) mod task_schedule;
pub(crate) mod transition;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod wakeup;
pub(crate) mod worker;

use std::time::Duration;

pub(crate) use sql::{Bind, SQLITE_NOW, Sql};
#[cfg(feature = "sqlite")]
pub(crate) use sql::{bound, json_of, json_of_pairs};

/// The tables of Taskbox.
pub(crate) const TABLES: [&str; 8] = [
    "execution_events",
    "pipeline_executions",
    "task_claims",
    "task_dependencies",
    "task_executions",
    "task_outbox",
    "task_schedule",
    "task_workers",
];

/// What the databases count in microseconds; zero for what lies on the other side of now.
pub(crate) fn duration(microseconds: i64) -> Duration {
    Duration::from_micros(u64::try_from(microseconds).unwrap_or_default())
}
