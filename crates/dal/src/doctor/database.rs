use std::time::Duration;

use super::DoctorDAL;
use crate::{
    Door, Result,
    connection::Connection,
    queries::doctor::{file, transaction, vacuum},
    validate,
};

/// How many rows of a table are of use, by Postgres's own estimates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableRows {
    /// The table.
    pub table: String,
    /// Rows that are there.
    pub live: i64,
    /// Rows that are gone, and whose room was not given back yet.
    pub dead: i64,
    /// The size of the table without its indexes, in bytes.
    pub bytes: i64,
    /// How long ago it was last vacuumed, by whomever; `None` if never since the statistics were last reset.
    pub vacuumed: Option<Duration>,
}

/// Who keeps dead rows from being taken away, and may hold locks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenTransaction {
    /// Who it is.
    pub holder: Holder,
    /// For how long; `None` where Postgres does not know.
    pub open_for: Option<Duration>,
    /// How many transactions began on the server since the oldest that it still sees; `None` if it sees none.
    pub behind: Option<i64>,
}

/// Who has a transaction open, or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holder {
    /// A session on this database.
    Session {
        /// The server's process.
        pid: i32,
        /// What the program calls itself.
        application: String,
        /// What it does, such as `active` or `idle in transaction`.
        state: String,
    },
    /// A transaction that was prepared for two-phase commit, by its name.
    Prepared(String),
    /// A replication slot, by its name.
    Slot(String),
    /// A standby with `hot_standby_feedback`, by the name that it gave.
    Standby(String),
}

/// What [`DoctorDAL::open_transactions`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenTransactions {
    /// Those that are open for the longest time, the longest first; then those of which Postgres does not know it.
    pub oldest: Vec<OpenTransaction>,
    /// How many sessions belong to other roles and do not show what they do. `GRANT pg_read_all_stats` shows them.
    pub hidden: i64,
}

impl<D: Door> DoctorDAL<D> {
    /// How many rows of each table are live and dead, in the order of their names. Empty on `SQLite`, which keeps no
    /// dead rows.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn rows(self) -> Result<Vec<TableRows>> {
        self.door
            .read(async |connection: &mut Connection<'_>| vacuum::rows(connection).await)
            .await
    }

    /// Who has had a transaction open for the longest time in this database, `limit` at the most, or keeps the server
    /// from forgetting old rows otherwise. Never what they ask: that may hold anything. Nothing on `SQLite`, which knows
    /// of no transaction of others.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn open_transactions(self, limit: i64) -> Result<OpenTransactions> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                transaction::open(connection, limit).await
            })
            .await
    }

    /// What is damaged in a `SQLite` file, in its own words, about `limit` lines at the most; empty if nothing is, and
    /// on Postgres, whose `pg_amcheck` looks for such. Reads the whole file.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn damage(self, limit: i64) -> Result<Vec<String>> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| file::damage(connection, limit).await)
            .await
    }

    /// How large the write-ahead log of a `SQLite` file is, in bytes; `None` on Postgres.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn wal_bytes(self) -> Result<Option<u64>> {
        self.door
            .read(async |connection: &mut Connection<'_>| file::wal_bytes(connection).await)
            .await
    }
}
