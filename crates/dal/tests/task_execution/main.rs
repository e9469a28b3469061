//! What `dal.task_execution()` promises, beside the transitions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod create;
mod create_many;
mod create_twice;
mod list;
mod mark_ready_many;
mod schedule;
mod trace_context;

#[path = "../support"]
mod support {
    pub(crate) mod connect;
    pub(crate) mod due_at;
    pub(crate) mod lifecycle;
    pub(crate) mod limit;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
    pub(crate) mod run;
}
