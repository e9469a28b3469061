//! The pools, and what a transaction needs of a backend: begin, commit, roll back.

#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

pub(crate) mod lease;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod line;
mod resolve;
mod url;

use std::time::Duration;

pub(crate) use lease::Lease;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) use line::Line;
pub(crate) use url::Target;

use crate::{Error, Result, connection::Connection, fault::Faults};

/// A pool of connections to one database.
///
/// Made by [`DAL::connect`](crate::DAL::connect), or from a deadpool of diesel-async connections that the
/// program already has, for [`DAL::from_pool`](crate::DAL::from_pool).
#[derive(Clone)]
pub struct Pool(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    #[cfg(feature = "postgres")]
    Postgres(postgres::Pool),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Pool),
    #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
    None(std::convert::Infallible),
}

impl Pool {
    pub(crate) fn new(target: &Target, size: usize) -> Result<Self> {
        if size == 0 {
            return Err(Error::invalid(
                "pool_size",
                "is 0; a pool needs a connection",
            ));
        }
        match target {
            #[cfg(feature = "postgres")]
            Target::Postgres(config) => {
                postgres::pool(config, size).map(|pool| Self(Kind::Postgres(pool)))
            }
            #[cfg(feature = "sqlite")]
            Target::Sqlite(path) => sqlite::pool(path, size).map(|pool| Self(Kind::Sqlite(pool))),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Target::None(never) => match *never {},
        }
    }

    /// A connection for reading: no transaction, and no wait for other writers.
    pub(crate) async fn reader(&self, acquire_timeout: Duration) -> Result<Lease> {
        match &self.0 {
            #[cfg(feature = "postgres")]
            Kind::Postgres(pool) => {
                let loan = lease::acquire(pool, acquire_timeout).await?;
                Ok(Lease::Postgres(Box::new(loan)))
            }
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(pool) => {
                let loan = lease::acquire(&pool.connections, acquire_timeout).await?;
                Ok(Lease::Sqlite { loan, _turn: None })
            }
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Kind::None(never) => match *never {},
        }
    }

    /// A connection for a transaction that writes.
    pub(crate) async fn writer(&self, acquire_timeout: Duration) -> Result<Lease> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(pool) => {
                let turn = pool.turn(acquire_timeout).await?;
                let loan = lease::acquire(&pool.connections, acquire_timeout).await?;
                Ok(Lease::Sqlite {
                    loan,
                    _turn: Some(turn),
                })
            }
            #[cfg(any(feature = "postgres", not(feature = "sqlite")))]
            _ => self.reader(acquire_timeout).await,
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (backend, status): (&str, deadpool::Status) = match &self.0 {
            #[cfg(feature = "postgres")]
            Kind::Postgres(pool) => ("Postgres", pool.status()),
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(pool) => ("SQLite", pool.connections.status()),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Kind::None(never) => match *never {},
        };
        f.debug_tuple("Pool")
            .field(&backend)
            .field(&status)
            .finish()
    }
}

/// How an attempt to commit ended if it did not succeed.
pub(crate) enum CommitError {
    /// The transaction is rolled back.
    NotCommitted(Error),
    /// The connection was lost while the database was committing.
    Unknown(diesel::result::Error),
}

/// When a transaction begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Before a closure of the program and after it.
    Closure,
    /// With the first statement of an operation, and where it can be with its last.
    Operation,
}

/// What comes behind some statements in their operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    More,
    Nothing,
}

/// Whether a transaction ended with its last statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    No,
    Committed,
    /// The COMMIT was not heard of again.
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "only SQLite does")
    )]
    Unknown,
}

impl Connection<'_> {
    /// Begins a transaction now.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.begins_with_first();
        on!(self, |_begun| Ok(()))
    }

    /// Has a transaction begin with its first statement.
    pub(crate) fn begins_with_first(&mut self) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(line) => line.begins_with_first(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(line) => line.begins_with_first(),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never, _) => match *never {},
        }
    }

    /// Has a transaction end with its last statement, where that saves something.
    ///
    /// Differs: Postgres would commit what the caller has given up meanwhile, since nobody can call back what was sent.
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(unused_variables, reason = "only SQLite does")
    )]
    pub(crate) fn ends_with_last(&mut self, faults: &Faults) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {}
            #[cfg(feature = "sqlite")]
            Self::Sqlite(line) => line.ends_with_last(faults.clone()),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never, _) => match *never {},
        }
    }

    /// Whether the transaction has ended with its last statement. One that has not does not any more.
    pub(crate) fn ended(&self) -> Ended {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ended::No,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(line) => line.ended(),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never, _) => match *never {},
        }
    }

    /// Whether nothing was sent yet of a transaction that begins with its first statement.
    pub(crate) fn is_to_begin(&self) -> bool {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(line) => line.is_to_begin(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(line) => line.is_to_begin(),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never, _) => match *never {},
        }
    }

    /// Requires that the database has not ended the transaction, if it is one that would not say so by itself.
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(clippy::unused_async, reason = "only SQLite has to be asked")
    )]
    pub(crate) async fn require_transaction(&mut self) -> Result<()> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(line) => Ok(sqlite::require_transaction(line.as_it_is()).await?),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never, _) => match *never {},
        }
    }

    /// Commits, and puts the session back as it was when it was new, if that is asked for. Answers whether the connection
    /// is as it was.
    ///
    /// Differs: on `SQLite` nothing is put back. A session has little there that could be set within a transaction, and
    /// nothing that would lead to another file.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "only Postgres puts something back")
    )]
    pub(crate) async fn commit(&mut self, put_back: bool) -> Result<bool, CommitError> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(line) => postgres::commit(line.as_it_is(), put_back).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(line) => sqlite::commit(line.as_it_is()).await.map(|()| true),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never, _) => match *never {},
        }
    }

    /// Rolls back, and puts the session back, as [`commit`](Self::commit) does.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "only Postgres puts something back")
    )]
    pub(crate) async fn roll_back(&mut self, put_back: bool) -> Result<()> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(line) => Ok(postgres::roll_back(line.as_it_is(), put_back).await?),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(line) => Ok(sqlite::roll_back(line.as_it_is()).await?),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never, _) => match *never {},
        }
    }

    /// Whether the session takes writes. One that began while the database took none never will.
    ///
    /// Differs: on `SQLite` every connection does, since one that cannot write is not made.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "only Postgres has to be asked")
    )]
    pub(crate) async fn takes_writes(&mut self) -> Result<bool> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(line) => Ok(postgres::takes_writes(line.as_it_is()).await?),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Ok(true),
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Self::None(never, _) => match *never {},
        }
    }
}
