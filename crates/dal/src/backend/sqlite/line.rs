//! A connection whose transaction begins together with its first statements.

use diesel::{QueryResult, SqliteConnection, connection::AnsiTransactionManager};

use super::AsyncSqliteConnection;

/// A borrowed connection, and whether a transaction is still to begin on it.
///
/// To begin with the first statements, and not before them, saves a way to the connection's thread and back.
#[expect(unnameable_types, reason = "in the signatures of sealed traits")]
pub struct Line<'c> {
    connection: &'c mut AsyncSqliteConnection,
    is_to_begin: bool,
}

impl<'c> Line<'c> {
    /// For statements each of its own, or in a transaction that has begun.
    pub(crate) fn new(connection: &'c mut AsyncSqliteConnection) -> Self {
        Self {
            connection,
            is_to_begin: false,
        }
    }

    pub(crate) fn begins_with_first(&mut self) {
        self.is_to_begin = true;
    }

    /// Whether nothing was done yet of a transaction that is to begin.
    pub(crate) fn is_to_begin(&self) -> bool {
        self.is_to_begin
    }

    /// The connection, for statements of whatever kind.
    pub(crate) async fn begun(&mut self) -> QueryResult<&mut AsyncSqliteConnection> {
        if self.is_to_begin {
            self.run(|_| Ok(())).await?;
        }
        Ok(self.connection)
    }

    /// The connection as it is, for what is no statement.
    pub(crate) fn as_it_is(&mut self) -> &mut AsyncSqliteConnection {
        self.connection
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
