//! A connection whose transaction begins together with its first statements.

use diesel::{QueryResult, SqliteConnection, connection::AnsiTransactionManager};

use super::AsyncSqliteConnection;

pub(crate) type Line<'c> = crate::backend::Line<'c, AsyncSqliteConnection>;

impl Line<'_> {
    /// The connection, for statements of whatever kind.
    pub(crate) async fn begun(&mut self) -> QueryResult<&mut AsyncSqliteConnection> {
        if self.is_to_begin {
            self.run(|_| Ok(())).await?;
        }
        Ok(self.connection)
    }

    /// Runs statements on the connection's thread, behind BEGIN if they are the first.
    pub(crate) async fn run<R, F>(&mut self, statements: F) -> QueryResult<R>
    where
        F: FnOnce(&mut SqliteConnection) -> QueryResult<R> + Send + 'static,
        R: Send + 'static,
    {
        let is_first = std::mem::take(&mut self.is_to_begin);
        self.connection
            .spawn_blocking(move |connection| {
                if is_first {
                    begin(connection)?;
                }
                statements(connection)
            })
            .await
    }
}

/// Begins, always as a writer: a transaction that begins as a reader and then writes fails at once if
/// another wrote in between, whatever the busy timeout.
fn begin(connection: &mut SqliteConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
}
