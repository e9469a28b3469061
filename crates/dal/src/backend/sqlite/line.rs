//! A connection whose transaction begins together with its first statements, and may end together with its last.

use diesel::{QueryResult, SqliteConnection, connection::AnsiTransactionManager, result::Error};

use super::{AsyncSqliteConnection, ending::Ending};
use crate::{backend::Ended, fault::Faults};

pub(crate) type Line<'c> = crate::backend::Line<'c, AsyncSqliteConnection>;

impl Line<'_> {
    /// Has the transaction end with statements behind which nothing follows.
    pub(crate) fn ends_with_last(&mut self, faults: Faults) {
        self.ending = Some(Ending::new(faults));
    }

    /// Whether the transaction has ended so. One that has not does not any more.
    pub(crate) fn ended(&self) -> Ended {
        self.ending.as_ref().map_or(Ended::No, Ending::settle)
    }

    /// The connection, for statements of whatever kind.
    pub(crate) async fn begun(&mut self) -> QueryResult<&mut AsyncSqliteConnection> {
        self.require_open()?;
        if self.is_to_begin {
            self.run(|_| Ok(())).await?;
        }
        Ok(self.connection)
    }

    /// What comes behind the last statement would be a transaction of its own.
    fn require_open(&self) -> QueryResult<()> {
        match &self.ending {
            Some(ending) if !ending.is_open() => Err(Error::NotInTransaction),
            _ => Ok(()),
        }
    }

    /// Runs statements on the connection's thread, behind BEGIN if they are the first.
    pub(crate) async fn run<R, F>(&mut self, statements: F) -> QueryResult<R>
    where
        F: FnOnce(&mut SqliteConnection) -> QueryResult<R> + Send + 'static,
        R: Send + 'static,
    {
        self.require_open()?;
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

    /// Runs statements, and COMMIT behind them if the transaction ends with its last and these are, going by their answer:
    /// that saves a way to the connection's thread and back.
    pub(crate) async fn run_last<R, F>(
        &mut self,
        statements: F,
        is_last: impl FnOnce(&R) -> bool + Send + 'static,
    ) -> QueryResult<R>
    where
        F: FnOnce(&mut SqliteConnection) -> QueryResult<R> + Send + 'static,
        R: Send + 'static,
    {
        let latch = self.ending.as_ref().map(Ending::latch);
        self.run(move |connection| {
            let answer = statements(connection)?;
            if let Some(latch) = latch.filter(|_| is_last(&answer)) {
                latch.commit(connection)?;
            }
            Ok(answer)
        })
        .await
    }
}

/// Begins, always as a writer: a transaction that begins as a reader and then writes fails at once if
/// another wrote in between, whatever the busy timeout.
fn begin(connection: &mut SqliteConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
}
