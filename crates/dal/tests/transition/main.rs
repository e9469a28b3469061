//! Every arrow of the table of transitions, and every arrow that is not there.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod by_hand;
mod by_holder;
mod claim;
mod recover;
mod walk;

#[path = "../support"]
mod support {
    pub(crate) mod connect;
    pub(crate) mod due_at;
    pub(crate) mod ending;
    pub(crate) mod expire;
    pub(crate) mod lifecycle;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
    pub(crate) mod run;
}
