//! What a person who looks at the database is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counts;
mod lists;

#[path = "../support"]
mod support {
    pub(crate) mod connect;
    pub(crate) mod lifecycle;
    pub(crate) mod limit;
    pub(crate) mod pipeline;
    pub(crate) mod ready;
    pub(crate) mod refusal;
    pub(crate) mod run;
}
