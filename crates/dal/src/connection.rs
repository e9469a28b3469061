//! A connection of one of the backends that are compiled in, and the macro that writes a query once for all.

use crate::Result;
#[cfg(feature = "postgres")]
use crate::backend::postgres;
#[cfg(feature = "sqlite")]
use crate::backend::sqlite;

/// A borrowed connection.
#[expect(unnameable_types, reason = "in the signatures of sealed traits")]
pub enum Connection<'c> {
    #[cfg(feature = "postgres")]
    Postgres(postgres::Line<'c>),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Line<'c>),
    #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
    None(std::convert::Infallible, std::marker::PhantomData<&'c ()>),
}

impl std::fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

/// Compiles one body of typed Diesel once per backend: `on!(connection, |c| query.load(c).await)`.
macro_rules! on {
    ($connection:expr, |$c:ident| $body:expr) => {
        match $connection {
            #[cfg(feature = "postgres")]
            $crate::connection::Connection::Postgres($c) => {
                let $c = $c.begun().await?;
                $body
            }
            #[cfg(feature = "sqlite")]
            $crate::connection::Connection::Sqlite($c) => {
                let $c = $c.begun().await?;
                $body
            }
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            $crate::connection::Connection::None(never, _) => match *never {},
        }
    };
}

/// A connection that [`Tx::join`](crate::Tx::join) takes: `&mut AsyncPgConnection`, `&mut AsyncSqliteConnection`.
pub trait Joinable<'c>: sealed::Joinable<'c> {}

impl<'c, C: sealed::Joinable<'c>> Joinable<'c> for C {}

pub(crate) mod sealed {
    use super::{Connection, Result};

    #[expect(unnameable_types, reason = "sealed")]
    pub trait Joinable<'c> {
        /// The connection, if it is in a transaction.
        fn in_transaction(self) -> Result<Connection<'c>>;
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod joinable {
    use diesel_async::{AsyncConnection, TransactionManager};

    #[cfg(feature = "postgres")]
    use super::postgres;
    #[cfg(feature = "sqlite")]
    use super::sqlite;
    use super::{Connection, Result, sealed};
    use crate::Error;

    fn require_transaction<C: AsyncConnection>(connection: &mut C) -> Result<()> {
        let depth = C::TransactionManager::transaction_manager_status_mut(connection)
            .transaction_depth()
            .map_err(Error::from)?;
        match depth {
            Some(_) => Ok(()),
            None => Err(Error::invalid(
                "the connection",
                "is in no transaction; begin one, or use `DAL::transaction`",
            )),
        }
    }

    #[cfg(feature = "postgres")]
    impl<'c> sealed::Joinable<'c> for &'c mut diesel_async::AsyncPgConnection {
        fn in_transaction(self) -> Result<Connection<'c>> {
            require_transaction(self)?;
            Ok(Connection::Postgres(postgres::Line::new(self)))
        }
    }

    #[cfg(feature = "sqlite")]
    impl<'c> sealed::Joinable<'c> for &'c mut crate::AsyncSqliteConnection {
        fn in_transaction(self) -> Result<Connection<'c>> {
            require_transaction(self)?;
            Ok(Connection::Sqlite(sqlite::Line::new(self)))
        }
    }
}
