//! How an accessor reaches the database: by a transaction of its own, or within one.

use std::future::Future;

use futures_util::TryFutureExt;
use tokio::time::timeout;

use crate::{
    Closure, DAL, Error, Result, RetryClosure, Tx, backend::Extent, connection::Connection,
    queries::stored_text,
};

/// Where an accessor's calls go: `&DAL`, each a transaction of its own, or `&mut Tx`, all within that one.
///
/// The calls are the same on both, so code that takes an accessor of any door can be called either way.
pub trait Door: sealed::Door {}

impl<D: sealed::Door> Door for D {}

pub(crate) mod sealed {
    use super::{Closure, Connection, Future, Result, RetryClosure, Tx};

    #[expect(unnameable_types, reason = "sealed")]
    pub trait Door: Send + Sized {
        /// Runs an operation that writes.
        fn write<F, R>(
            self,
            name: &'static str,
            operation: F,
        ) -> impl Future<Output = Result<R>> + Send
        where
            F: for<'r, 'c> RetryClosure<&'r mut Tx<'c>, Result<R>, Future: Send> + Send,
            R: Send;

        /// Runs a query that only reads.
        fn read<F, R>(self, query: F) -> impl Future<Output = Result<R>> + Send
        where
            F: for<'r, 'c> Closure<&'r mut Connection<'c>, Result<R>, Future: Send> + Send,
            R: Send;
    }
}

impl sealed::Door for &DAL {
    // Needs no marks: the transaction ends with the operation, or is dropped with it.
    fn write<F, R>(
        self,
        _name: &'static str,
        operation: F,
    ) -> impl Future<Output = Result<R>> + Send
    where
        F: for<'r, 'c> RetryClosure<&'r mut Tx<'c>, Result<R>, Future: Send> + Send,
        R: Send,
    {
        self.run_with_retry(Extent::Operation, operation)
            .or_else(|error| self.placed(error))
    }

    async fn read<F, R>(self, query: F) -> Result<R>
    where
        F: for<'r, 'c> Closure<&'r mut Connection<'c>, Result<R>, Future: Send> + Send,
        R: Send,
    {
        match self.look(query).await {
            Ok(found) => Ok(found),
            Err(error) => self.placed(error).await,
        }
    }
}

impl DAL {
    /// Runs a query on a connection of its own.
    async fn look<F, R>(&self, query: F) -> Result<R>
    where
        F: for<'r, 'c> Closure<&'r mut Connection<'c>, Result<R>, Future: Send> + Send,
        R: Send,
    {
        let mut lease = self
            .0
            .pool
            .reader(self.0.context.settings.acquire_timeout)
            .await?;
        // If it is too late, the lease closes the connection, and with it the query.
        let result = timeout(
            self.0.context.settings.deadline,
            query(&mut lease.connection()),
        )
        .await
        .map_err(|_| self.too_late())?;
        lease.give_back();
        result
    }

    /// The error, with where it happened: the schema, and rows with what could not be read.
    async fn placed<R>(&self, error: Error) -> Result<R> {
        let mut error = error.within(self.0.context.schema.as_ref());
        if let Error::UnknownText {
            column,
            found,
            rows,
            ..
        } = &mut error
        {
            let (column, found) = (*column, found.as_str());
            let look = self.look(async |connection: &mut Connection<'_>| {
                stored_text::rows(connection, column, found).await
            });
            // Boxed, so that no call is larger for it. If nothing is learned, the error is still the first one.
            *rows = Box::pin(look).await.unwrap_or_default();
        }
        Err(error)
    }
}

impl sealed::Door for &mut Tx<'_> {
    async fn write<F, R>(self, name: &'static str, mut operation: F) -> Result<R>
    where
        F: for<'r, 'c> RetryClosure<&'r mut Tx<'c>, Result<R>, Future: Send> + Send,
        R: Send,
    {
        self.enter(name)?;
        let result = match self.connection.require_transaction().await {
            Ok(()) => operation(self).await,
            Err(error) => Err(error),
        };
        self.leave(result)
    }

    async fn read<F, R>(self, query: F) -> Result<R>
    where
        F: for<'r, 'c> Closure<&'r mut Connection<'c>, Result<R>, Future: Send> + Send,
        R: Send,
    {
        // A query that fails or is dropped spoils a transaction as a write does: on Postgres it is aborted, on
        // `SQLite` the statement may still be running.
        self.enter("read")?;
        let result = query(&mut self.connection).await;
        self.leave(result)
    }
}
