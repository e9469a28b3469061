//! What dead rows there are.

use crate::{Result, TableRows, connection::Connection};

/// The tables of Taskbox in the order of their names. Differs: SQLite keeps no dead rows.
#[cfg_attr(
    not(feature = "postgres"),
    expect(clippy::unused_async, reason = "only Postgres can be asked")
)]
pub(crate) async fn rows(connection: &mut Connection<'_>) -> Result<Vec<TableRows>> {
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => postgres::rows(line.begun().await?).await,
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(_) => Ok(Vec::new()),
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use diesel::sql_types::Nullable;
    use diesel_async::{AsyncPgConnection, RunQueryDsl};
    use taskbox_schema::sql_types::{Int8, Text};

    use super::super::{
        super::{Sql, duration},
        tables,
    };
    use crate::{Result, TableRows};

    pub(super) async fn rows(connection: &mut AsyncPgConnection) -> Result<Vec<TableRows>> {
        let statement: Sql<'_, (Text, Int8, Int8, Int8, Nullable<Int8>)> =
            Sql::new("SELECT relname::text, n_live_tup, n_dead_tup, pg_table_size(relid),\n    ")
                .microseconds_since("greatest(last_vacuum, last_autovacuum)")
                .text(format!(
                    "\nFROM pg_stat_user_tables WHERE relid IN ({})\nORDER BY relname",
                    tables()
                ));
        let rows: Vec<(String, i64, i64, i64, Option<i64>)> = statement.load(connection).await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(table, live, dead, bytes, vacuumed)| TableRows {
                table,
                live,
                dead,
                bytes,
                vacuumed: vacuumed.map(duration),
            })
            .collect())
    }
}
