#![doc = include_str!("../README.md")]

mod action;
mod audit;
mod care;
mod database;
mod history;
mod mutation;
mod mutation_rules;
mod properties;
mod protocol;
mod size;
mod transaction;
mod world;

pub use action::{Action, End, OnPipeline, OnTask, OnWorker, Reply};
pub use audit::{Breach, Breaches};
pub use database::{ClaimRow, Database, OutboxRow, Pipeline, Task, WorkerRow};
pub use mutation::Mutation;
pub use protocol::Protocol;
pub use size::{MOST_CLAIMS, MOST_TASKS, MOST_WORKERS, Plan, Size};
pub use world::{Process, World};
