#![doc = include_str!("../README.md")]

mod attempt;
mod backoff;
mod batch;
mod builder;
mod claiming;
mod context;
mod engine;
mod error;
mod executor;
mod handle;
mod handler;
mod heart;
mod incarnation;
mod late;
mod looking;
mod outage;
mod pipeline;
mod queues;
mod retention;
mod retry_policy;
mod running;
mod settings;
mod shift;
mod slots;
mod stop;
mod sweeper;
mod task_error;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod writer;

pub use tokio_util::sync::CancellationToken;

pub use builder::ExecutorBuilder;
pub use context::TaskContext;
pub use error::{Error, Result};
pub use executor::Executor;
pub use handle::ExecutorHandle;
pub use pipeline::{Pipeline, StartedPipeline};
pub use retry_policy::RetryPolicy;
pub use task_error::TaskError;

/// The examples of the pages outside of this crate, for the doc tests.
#[cfg(all(doctest, feature = "postgres", feature = "sqlite", feature = "testing"))]
#[doc = include_str!("../../../docs/getting-started.md")]
#[doc = include_str!("../../../docs/testing-your-tasks.md")]
#[doc = include_str!("../../../docs/tracing.md")]
#[doc = include_str!("../../../docs/transactions.md")]
#[doc = include_str!("../../../docs/writing-tasks.md")]
struct Pages;
