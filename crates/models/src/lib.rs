#![doc = include_str!("../README.md")]

mod claim;
mod conflict;
mod debug;
mod event_type;
mod execution_event;
mod pipeline_execution;
mod pipeline_status;
mod run_when;
mod task_claim;
mod task_dependency;
mod task_execution;
mod task_outbox;
mod task_schedule;
mod task_status;
mod text_enum;
mod trace_context;
mod transition;
mod worker;

pub use claim::Claim;
pub use conflict::Conflict;
pub use event_type::EventType;
pub use execution_event::ExecutionEvent;
pub use pipeline_execution::{NewPipelineExecution, PipelineExecution};
pub use pipeline_status::PipelineStatus;
pub use run_when::RunWhen;
pub use task_claim::TaskClaim;
pub use task_dependency::{DependencyOutput, TaskDependency};
pub use task_execution::{NewTaskExecution, TaskExecution};
pub use task_outbox::{NewTaskOutbox, TaskOutbox};
pub use task_schedule::TaskSchedule;
pub use task_status::{LiveTable, TaskStatus};
pub use text_enum::UnknownText;
pub use trace_context::TraceContext;
pub use transition::{Change, Condition, Field, Outcome, Rule, Transition};
pub use worker::Worker;
