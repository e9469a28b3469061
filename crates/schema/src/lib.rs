#![doc = include_str!("../README.md")]

pub mod bind;
#[expect(clippy::doc_markdown, reason = "written by the Diesel CLI")]
#[cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "written by the Diesel CLI")
)]
#[rustfmt::skip]
mod schema;
pub mod sql_types;

pub use schema::*;
