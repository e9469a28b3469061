//! What `doctor` asks, and how it mends.

pub(crate) mod event;
pub(crate) mod file;
pub(crate) mod index;
pub(crate) mod invariant;
pub(crate) mod mend;
pub(crate) mod transaction;
pub(crate) mod vacuum;
pub(crate) mod work;

/// The tables of Taskbox as Postgres finds them, for `IN`: those of the same names in other schemas are not among them.
#[cfg(feature = "postgres")]
fn tables() -> String {
    super::TABLES
        .map(|table| format!("to_regclass('{table}')"))
        .join(", ")
}
