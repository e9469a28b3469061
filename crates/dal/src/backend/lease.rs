//! A connection on loan from the pool. It goes back only if it is known to be clean.

use std::time::Duration;

use deadpool::managed::{Manager, Object, Pool, PoolError, Timeouts};

use crate::{Error, Result, connection::Connection};

/// A connection of either backend, and on `SQLite` the turn to write, for one who asked to.
pub(crate) enum Lease {
    #[cfg(feature = "postgres")]
    Postgres(Box<Loan<super::postgres::Manager>>),
    #[cfg(feature = "sqlite")]
    Sqlite {
        loan: Loan<super::sqlite::Manager>,
        /// Held for its drop, which lets the next writer go on.
        _turn: Option<tokio::sync::OwnedSemaphorePermit>,
    },
    #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
    None(std::convert::Infallible),
}

impl Lease {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(loan) => {
                Connection::Postgres(super::postgres::Line::new(loan.connection()))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite { loan, .. } => {
                Connection::Sqlite(super::sqlite::Line::new(loan.connection()))
            }
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never) => match *never {},
        }
    }

    /// Gives the connection back: no transaction is open on it, and no answer is under way.
    pub(crate) fn give_back(self) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(loan) => loan.give_back(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite { loan, .. } => loan.give_back(),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never) => match never {},
        }
    }

    /// Closes the connection, and all that wait in its pool: they were made at the same time.
    pub(crate) fn close_all(self) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(loan) => loan.close_all(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite { loan, .. } => loan.close_all(),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never) => match never {},
        }
    }
}

/// A pooled object that is closed when dropped, unless it was given back.
///
/// Left in the pool, the connection of a cancelled transaction would keep its locks until its slot is next
/// used, which may be never. Closing it rolls back at once.
pub(crate) struct Loan<M: Manager> {
    object: Option<Object<M>>,
    clean: bool,
}

impl<M: Manager> Loan<M> {
    pub(crate) fn give_back(mut self) {
        self.clean = true;
    }

    /// Closes those that wait in the pool, and this one.
    fn close_all(self) {
        if let Some(pool) = self.object.as_ref().and_then(Object::pool) {
            pool.retain(|_, _| false);
        }
    }

    /// Takes the connection out of the pool for good.
    #[cfg(feature = "postgres")]
    #[expect(clippy::expect_used, reason = "only drop takes the object otherwise")]
    pub(crate) fn into_connection(mut self) -> M::Type {
        Object::take(self.object.take().expect("the object is there until drop"))
    }

    #[expect(clippy::expect_used, reason = "only drop takes the object")]
    pub(crate) fn connection(&mut self) -> &mut M::Type {
        self.object
            .as_mut()
            .expect("the object is there until drop")
    }
}

impl<M: Manager> Drop for Loan<M> {
    fn drop(&mut self) {
        if let Some(object) = self.object.take()
            && !self.clean
        {
            drop(Object::take(object));
            tracing::debug!("closed a connection that may not be clean");
        }
    }
}

/// Takes a connection from the pool, waiting no longer than `timeout` for a free one or a new one.
pub(crate) async fn acquire<M>(pool: &Pool<M>, timeout: Duration) -> Result<Loan<M>>
where
    M: Manager<Error = diesel_async::pooled_connection::PoolError>,
{
    // Not by the pool's own timeouts: a pool that a program built need not know a runtime for them.
    let unbounded = Timeouts::default();
    match tokio::time::timeout(timeout, pool.timeout_get(&unbounded)).await {
        Ok(Ok(object)) => Ok(Loan {
            object: Some(object),
            clean: false,
        }),
        Ok(Err(PoolError::Backend(error))) => Err(Error::Connection(error.to_string())),
        Ok(Err(error)) => Err(Error::Connection(error.to_string())),
        Err(_) => Err(Error::PoolTimeout { waited: timeout }),
    }
}
