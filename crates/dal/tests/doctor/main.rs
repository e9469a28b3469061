//! What `dal.doctor()` finds once it is there, and not before; and what its repairs leave.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod breach;
mod database;
mod history;
mod mend;
mod placement;
mod work;

#[path = "../support"]
mod support {
    pub(crate) mod connect;
    pub(crate) mod due_at;
    pub(crate) mod lifecycle;
    pub(crate) mod limit;
    pub(crate) mod pipeline;
    pub(crate) mod ready;
    pub(crate) mod run;
}
