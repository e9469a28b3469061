//! The SQL types that `schema.rs` names, each with one encoding per backend.
//!
//! Diesel's own types of these names exist for Postgres only. These have the same object
//! identifiers there, and an encoding for SQLite beside it that sorts as the values do.

pub use diesel::sql_types::{Bool, Int4, Int8, Nullable, Text};
use diesel::{query_builder::QueryId, sql_types::SqlType};

/// A UUID: `uuid` on Postgres, a `BLOB` of 16 bytes on SQLite.
#[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct Uuid;

/// A moment: `timestamptz` on Postgres, microseconds since 1970 in an `INTEGER` on SQLite.
///
/// Diesel's own text form for SQLite has a fraction of varying length, so its order is not that of time.
#[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
#[diesel(sqlite_type(name = "Long"))]
pub struct Timestamptz;

/// A JSON document: `jsonb` on Postgres, `TEXT` on SQLite.
#[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 3802, array_oid = 3807))]
#[diesel(sqlite_type(name = "Text"))]
pub struct Jsonb;

// `table!` asks every column whose type is *called* Timestamptz for the types of `+` and `-`.
impl diesel::sql_types::ops::Add for Timestamptz {
    type Rhs = diesel::sql_types::Interval;
    type Output = Self;
}

impl diesel::sql_types::ops::Sub for Timestamptz {
    type Rhs = diesel::sql_types::Interval;
    type Output = Self;
}

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
