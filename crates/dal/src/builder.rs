use std::{sync::Arc, time::Duration};

use crate::{
    DAL, Error, Result,
    backend::{Pool, Target},
    dal::{Inner, Settings},
};

/// The settings of a [`DAL`], from [`DAL::builder`].
#[derive(Clone)]
#[must_use = "nothing happens before `connect`"]
pub struct DALBuilder {
    url: String,
    pool_size: usize,
    settings: Settings,
}

impl DALBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            pool_size: 8,
            settings: Settings::default(),
        }
    }

    /// How long a call waits for a free connection, and for a new one to be made. Default: 5 s.
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.settings.acquire_timeout = timeout;
        self
    }

    /// How long a transaction may take, from the wait for a connection to its commit, retries included; and how long a
    /// query that only reads may. Default: 30 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// How many connections there are at most. Default: 8.
    pub fn pool_size(mut self, size: usize) -> Self {
        self.pool_size = size;
        self
    }

    /// Connects: makes the pool and one connection, so that a wrong URL shows here. A `SQLite` file is made
    /// if it is missing; tables are not, see [`DAL::migrate`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the URL cannot be understood or names a backend that is not compiled in;
    /// [`Error::Connection`] or [`Error::PoolTimeout`] if the database does not answer.
    pub async fn connect(self) -> Result<DAL> {
        if self.pool_size == 0 {
            return Err(Error::invalid(
                "pool_size",
                "is 0; a pool needs a connection",
            ));
        }
        let target = Target::parse(&self.url)?;
        let pool = Pool::new(&target, self.pool_size)?;
        pool.reader(self.settings.acquire_timeout)
            .await?
            .give_back();
        Ok(DAL(Arc::new(Inner::new(pool, self.settings))))
    }
}

/// Without the URL, which may hold a password.
impl std::fmt::Debug for DALBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DALBuilder")
            .field("pool_size", &self.pool_size)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
