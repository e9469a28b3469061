//! A connection whose transaction begins together with its first statement.

use diesel::{
    QueryResult, connection::TransactionDepthChange, deserialize::FromSqlRow,
    expression::QueryMetadata, pg::Pg, query_dsl::CompatibleType,
};
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    TransactionManager,
};
use futures_util::future::join;

use crate::queries::Sql;

/// A BEGIN that the statement behind it can tell from none.
///
/// Both are under way before either is answered. If the BEGIN alone failed, as by a cancel request that came late, the
/// statement would be a transaction of its own and change half of what is to be one. So it asks for a property that
/// such a transaction does not have, and that means nothing to those that write.
const BEGIN: &str = "BEGIN DEFERRABLE";

pub(crate) type Line<'c> = crate::backend::Line<'c, AsyncPgConnection>;

impl Line<'_> {
    /// The connection, for statements of whatever kind.
    pub(crate) async fn begun(&mut self) -> QueryResult<&mut AsyncPgConnection> {
        if std::mem::take(&mut self.is_to_begin) {
            AnsiTransactionManager::begin_transaction(self.connection).await?;
        }
        Ok(self.connection)
    }

    /// Runs a statement, together with BEGIN if it is the first and can be.
    pub(crate) async fn load<U, ST, S>(&mut self, statement: Sql<'_, ST>) -> QueryResult<Vec<U>>
    where
        S: 'static,
        ST: CompatibleType<U, Pg, SqlType = S> + 'static,
        U: FromSqlRow<S, Pg> + Send + 'static,
        Pg: QueryMetadata<ST>,
    {
        if !self.is_to_begin {
            return statement.load(self.connection).await;
        }
        let statement = match statement.guarded() {
            Ok(statement) => statement,
            Err(statement) => return statement.load(self.begun().await?).await,
        };
        self.is_to_begin = false;
        let mut line = &*self.connection;
        let mut same_line = line;
        // In this order, in which they are polled and so sent.
        let (begun, answer) = join(line.batch_execute(BEGIN), statement.load(&mut same_line)).await;
        begun?;
        // Diesel did not see the BEGIN, and is told.
        AnsiTransactionManager::transaction_manager_status_mut(self.connection)
            .transaction_state()?
            .change_transaction_depth(TransactionDepthChange::IncreaseDepth)?;
        answer
    }
}
