use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    DAL, Error, Result,
    backend::{Pool, Target},
    dal::{Inner, Settings},
    queries::{durability, transition::microseconds},
};

/// A lease that ends before its worker hears of it is of no use.
const SHORTEST_LEASE: Duration = Duration::from_millis(1);

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

    /// For how long a worker may claim and keep its tasks after it registered, and after each heartbeat: at least a
    /// millisecond, at the most a century. Default: 30 s.
    ///
    /// It is also how long the tasks of a worker that died stay with it. A heartbeat each third of it leaves two in
    /// reserve.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How often a task is taken back from workers that died before it counts as what kills them, and fails: 0 or more.
    /// Default: 3.
    pub fn max_recoveries(mut self, max_recoveries: i32) -> Self {
        self.settings.max_recoveries = max_recoveries;
        self
    }

    /// How many connections there are at most. Default: 8.
    pub fn pool_size(mut self, size: usize) -> Self {
        self.pool_size = size;
        self
    }

    /// Connects: makes the pool and one connection, so that a wrong URL shows here. A `SQLite` file is made
    /// if it is missing; tables are not, see [`DAL::migrate`]. Warns, by `tracing`, if the settings of the database may
    /// lose what it has committed, see [`DAL::durability`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the URL cannot be understood or names a backend that is not compiled in;
    /// [`Error::Connection`] or [`Error::PoolTimeout`] if the database does not answer.
    pub async fn connect(self) -> Result<DAL> {
        if self.settings.lease < SHORTEST_LEASE {
            return Err(Error::invalid(
                "lease",
                format!("is {:?}; give a millisecond or more", self.settings.lease),
            ));
        }
        microseconds("lease", self.settings.lease)?;
        if self.settings.max_recoveries < 0 {
            return Err(Error::invalid(
                "max_recoveries",
                format!("is {}; give 0 or more", self.settings.max_recoveries),
            ));
        }
        let target = Target::parse(&self.url)?;
        let pool = Pool::new(&target, self.pool_size)?;
        self.try_out(&pool).await?;
        Ok(DAL(Arc::new(Inner::new(pool, self.settings).of(target))))
    }

    /// Makes a first connection, and warns of what its database may lose.
    async fn try_out(&self, pool: &Pool) -> Result<()> {
        let waited = self.settings.acquire_timeout;
        let mut lease = pool.reader(waited).await?;
        let asked = timeout(waited, durability::get(&mut lease.connection())).await;
        asked.map_err(|_| Error::PoolTimeout { waited })??.warn();
        lease.give_back();
        Ok(())
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
