//! What `dal.execution_event()` promises: the whole history, in order, and with what there is to say.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod follow;
mod log;
mod prune;
mod story;

#[path = "../support"]
mod support {
    pub(crate) mod connect;
    pub(crate) mod due_at;
    pub(crate) mod lifecycle;
    pub(crate) mod limit;
    pub(crate) mod moment;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
    pub(crate) mod run;
}
