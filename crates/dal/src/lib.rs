#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    expect(
        unused,
        clippy::drop_non_drop,
        clippy::unused_async,
        reason = "without a backend there is nothing to connect to"
    )
)]

#[macro_use]
mod connection;

mod backend;
mod builder;
mod closure;
mod dal;
mod doctor;
mod door;
mod durability;
mod error;
mod execution_event;
mod fault;
#[cfg(all(any(fuzzing, test), feature = "postgres", feature = "sqlite"))]
pub mod fuzzing;
pub mod limits;
mod migrations;
mod moved;
mod pipeline_execution;
mod queries;
mod retry;
mod schema;
mod task_execution;
mod task_outbox;
mod tracer;
mod transaction;
mod tx;
mod validate;
mod wakeups;
mod witness;
mod worker;

pub use backend::Pool;
#[cfg(feature = "sqlite")]
pub use backend::sqlite::{AsyncSqliteConnection, BlockingThread};
pub use builder::DALBuilder;
pub use closure::{Closure, RetryClosure};
pub use connection::Joinable;
pub use dal::DAL;
pub use doctor::{
    DoctorDAL, Holder, IndexFault, IndexProblem, Invariant, LastClaim, OpenTransaction,
    OpenTransactions, PutOff, TableRows,
};
pub use door::Door;
pub use durability::Durability;
pub use error::{Error, Result};
pub use execution_event::{EventCursor, EventPage, ExecutionEventDAL, Prunable, Pruned, Recent};
#[cfg(taskbox_faults)]
pub use fault::{Fault, Faults};
pub use moved::Moved;
pub use pipeline_execution::{PipelineExecutionDAL, PipelineFilter};
pub use task_execution::{Dependency, LiveTasks, Recovered, TaskExecutionDAL, TaskFilter};
pub use task_outbox::{QueueDepth, TaskOutboxDAL};
pub use tx::Tx;
pub use wakeups::Wakeups;
pub use worker::{Heartbeat, WorkerDAL, WorkerLoad};

/// The examples of the pages outside of this crate, for the doc tests.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/pipelines.md")]
#[doc = include_str!("../../../docs/testing.md")]
#[doc = include_str!("../../../docs/workers.md")]
struct Pages;
