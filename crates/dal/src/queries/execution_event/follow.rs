//! What has been committed of the history, for those who follow it.

use diesel::{ExpressionMethods, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use taskbox_models::ExecutionEvent;
use taskbox_schema::execution_events;

#[cfg(feature = "postgres")]
pub(crate) use postgres::{between, latest_in, newest_now, snapshot};

use crate::Result;

/// Which transactions had been committed at a moment, on Postgres.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, diesel::Queryable, Serialize)]
pub(crate) struct Snapshot {
    /// None from this one on had.
    pub(crate) next: i64,
    /// Nor had these, before it.
    pub(crate) running: Vec<i64>,
    /// The id of the newest event of those that had, 0 if there was none.
    pub(crate) newest: i64,
}

/// Ids are in the order of commits here, so an id says how far a reader has come.
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite {
    use diesel::dsl::max;

    use super::{
        ExecutionEvent, ExpressionMethods, QueryDsl, Result, RunQueryDsl, SelectableHelper,
        execution_events,
    };
    use crate::AsyncSqliteConnection;

    /// The id of the newest event, 0 if there is none.
    pub(crate) async fn newest(connection: &mut AsyncSqliteConnection) -> Result<i64> {
        let newest = execution_events::table.select(max(execution_events::id));
        let newest: Option<i64> = newest.get_result(connection).await?;
        Ok(newest.unwrap_or_default())
    }

    /// The events behind an id, in their order.
    pub(crate) async fn after(
        connection: &mut AsyncSqliteConnection,
        after: i64,
        limit: i64,
    ) -> Result<Vec<ExecutionEvent>> {
        let query = execution_events::table
            .filter(execution_events::id.gt(after))
            .order(execution_events::id)
            .limit(limit);
        Ok(query
            .select(ExecutionEvent::as_select())
            .load(connection)
            .await?)
    }

    /// The last events up to an id, the newest first.
    pub(crate) async fn latest(
        connection: &mut AsyncSqliteConnection,
        newest: i64,
        limit: i64,
    ) -> Result<Vec<ExecutionEvent>> {
        let query = execution_events::table
            .filter(execution_events::id.le(newest))
            .order(execution_events::id.desc())
            .limit(limit);
        Ok(query
            .select(ExecutionEvent::as_select())
            .load(connection)
            .await?)
    }
}

/// Ids are in the order of writing here: a transaction may commit events with lower ids than those that were read.
#[cfg(feature = "postgres")]
mod postgres {
    use diesel::{
        BoolExpressionMethods,
        sql_types::{Array, BigInt},
    };
    use diesel_async::AsyncPgConnection;

    use super::{
        ExecutionEvent, ExpressionMethods, QueryDsl, Result, RunQueryDsl, SelectableHelper,
        Snapshot, execution_events,
    };
    use crate::queries::Sql;

    /// What has been committed now.
    pub(crate) async fn snapshot(connection: &mut AsyncPgConnection) -> Result<Snapshot> {
        let statement: Sql<'_, (BigInt, Array<BigInt>, BigInt)> = Sql::new(
            "SELECT pg_snapshot_xmax(s)::text::bigint,
    ARRAY(SELECT running::text::bigint FROM pg_snapshot_xip(s) running),
    (SELECT coalesce(max(id), 0) FROM execution_events)
FROM pg_current_snapshot() s",
        );
        Ok(statement.get_result(connection).await?)
    }

    /// The number of a new transaction, and the id of the newest event that had been committed before it began.
    pub(crate) async fn newest_now(connection: &mut AsyncPgConnection) -> Result<(i64, i64)> {
        // The statement's snapshot is older than the transaction's number, which is made when it is asked for.
        let statement: Sql<'_, (BigInt, BigInt)> = Sql::new(
            "SELECT pg_current_xact_id()::text::bigint, coalesce(max(id), 0) FROM execution_events",
        );
        Ok(statement.get_result(connection).await?)
    }

    /// The events behind an id, in their order, of the transactions that `ended`, and of those from `next` on that had
    /// been committed at a snapshot.
    pub(crate) async fn between(
        connection: &mut AsyncPgConnection,
        (next, ended): (i64, &[i64]),
        until: &Snapshot,
        after: i64,
        limit: i64,
    ) -> Result<Vec<ExecutionEvent>> {
        let transaction = execution_events::transaction_id;
        let begun_later = transaction
            .ge(next)
            .and(transaction.lt(until.next))
            .and(transaction.ne_all(&until.running));
        let query = execution_events::table
            // Both ends, so that a plan that is made without knowing them goes by the ids, too.
            .filter(execution_events::id.gt(after))
            .filter(execution_events::id.le(until.newest))
            .filter(begun_later.or(transaction.eq_any(ended)))
            .order(execution_events::id)
            .limit(limit);
        Ok(query
            .select(ExecutionEvent::as_select())
            .load(connection)
            .await?)
    }

    /// The last events that had been committed at a snapshot, the newest first.
    pub(crate) async fn latest_in(
        connection: &mut AsyncPgConnection,
        until: &Snapshot,
        limit: i64,
    ) -> Result<Vec<ExecutionEvent>> {
        let transaction = execution_events::transaction_id;
        let query = execution_events::table
            .filter(transaction.lt(until.next))
            .filter(transaction.ne_all(&until.running))
            .order(execution_events::id.desc())
            .limit(limit);
        Ok(query
            .select(ExecutionEvent::as_select())
            .load(connection)
            .await?)
    }
}
