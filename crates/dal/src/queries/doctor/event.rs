//! Events that came from another server.

use crate::{Result, connection::Connection};

/// How many of the newest have the number of a transaction that is still to come. Differs: those of SQLite have none.
#[cfg_attr(
    not(feature = "postgres"),
    expect(
        clippy::unused_async,
        unused_variables,
        reason = "only Postgres numbers its transactions"
    )
)]
pub(crate) async fn foreign(connection: &mut Connection<'_>, limit: i64) -> Result<i64> {
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => postgres::foreign(line.begun().await?, limit).await,
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(_) => Ok(0),
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

/// Takes their numbers away; answers of how many.
#[cfg_attr(
    not(feature = "postgres"),
    expect(
        clippy::unused_async,
        unused_variables,
        reason = "only Postgres numbers its transactions"
    )
)]
pub(crate) async fn adopt(connection: &mut Connection<'_>, limit: i64) -> Result<usize> {
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => postgres::adopt(line.begun().await?, limit).await,
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(_) => Ok(0),
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use diesel_async::{AsyncPgConnection, RunQueryDsl};
    use taskbox_schema::sql_types::Int8;

    use super::super::super::{Bind, Sql};
    use crate::Result;

    /// That an event's transaction is still to come: it is seen, so it has ended, unless it is this one. Asked once.
    const FOREIGN: &str =
        "transaction_id >= (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
    AND transaction_id IS DISTINCT FROM (SELECT pg_current_xact_id_if_assigned()::text::bigint)";

    pub(super) async fn foreign(connection: &mut AsyncPgConnection, limit: i64) -> Result<i64> {
        let statement: Sql<'_, Int8> = Sql::new(
            "SELECT count(*) FROM (
    SELECT transaction_id FROM execution_events ORDER BY id DESC LIMIT ",
        )
        .bind(Bind::Integer(limit))
        .text(format!("\n) newest\nWHERE {FOREIGN}"));
        Ok(statement.get_result(connection).await?)
    }

    pub(super) async fn adopt(connection: &mut AsyncPgConnection, limit: i64) -> Result<usize> {
        let statement: Sql<'_> = Sql::new(format!(
            "UPDATE execution_events SET transaction_id = 0 WHERE id = ANY(ARRAY(
    SELECT id FROM execution_events WHERE {FOREIGN} LIMIT "
        ))
        .bind(Bind::Integer(limit))
        .text("\n))");
        Ok(statement.execute(connection).await?)
    }
}
