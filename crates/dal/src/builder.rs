use std::{sync::Arc, time::Duration};

use taskbox_models::TraceContext;
use tokio::time::timeout;

use crate::{
    DAL, Error, Result,
    backend::{Pool, Target},
    dal::{Inner, Settings},
    queries::{durability, transition::microseconds},
    schema::Schema,
    tracer::Tracer,
};

/// A lease that ends before its worker hears of it is of no use.
const SHORTEST_LEASE: Duration = Duration::from_millis(1);

/// The settings of a [`DAL`], from [`DAL::builder`].
#[derive(Clone)]
#[must_use = "nothing happens before `connect`"]
pub struct DALBuilder {
    url: String,
    pool_size: usize,
    schema: Option<String>,
    settings: Settings,
    tracer: Tracer,
}

impl DALBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            pool_size: 8,
            schema: None,
            settings: Settings::default(),
            tracer: Tracer::default(),
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

    /// The schema of the Postgres database in which everything is, for one tenant of many: lower-case letters, digits and
    /// `_`, 63 bytes at the most, and none that is the server's or `public`. Default: where the server looks by itself,
    /// which is `public` unless it is told otherwise.
    ///
    /// Each connection is told when it is made, those for heartbeats and wake-ups, too, and nothing is behind the schema:
    /// what it lacks is an [`Error::Unmigrated`], and never another tenant's. [`DAL::migrate`] makes it. What a closure
    /// changes for the session (`SET search_path`, `SET ROLE`) is put back before the connection is used again.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::NewTaskExecution;
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    ///
    /// /// The tasks of one tenant, which no other sees.
    /// async fn open(url: &str, tenant: u32) -> Result<DAL> {
    ///     let dal = DAL::builder(url).schema(format!("tenant_{tenant}")).pool_size(2).connect().await?;
    ///     dal.migrate().await?;
    ///     Ok(dal)
    /// }
    ///
    /// # async fn both(url: &str) -> Result<()> {
    /// let (one, other) = (open(url, 1).await?, open(url, 2).await?);
    /// let task = one.task_execution().create(NewTaskExecution::standalone("mail")).await?;
    /// assert!(other.task_execution().get(task.id).await.is_err());
    /// # Ok(())
    /// # }
    /// # async fn example(db: &TestDatabase) { both(&db.url()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "postgres") { run(Backend::Postgres, example) } }
    /// ```
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// Asks this, at each call that makes tasks, which trace goes on, for the tasks that are not given one: then traces
    /// go on in whoever runs them. `None` where there is none. Default: tasks have the trace that they are given, if any.
    ///
    /// It must not block. A trace that cannot be kept is left out, with a warning. Tasks of [`Tx::join`](crate::Tx::join)
    /// and of [`DAL::from_pool`] have only what they are given. [The page on tracing] has it whole, with OpenTelemetry.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::{NewTaskExecution, TraceContext};
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    ///
    /// /// What the program's propagator writes.
    /// fn current() -> Option<TraceContext> {
    ///     let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    ///     Some(HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]).into())
    /// }
    ///
    /// # async fn traced(url: &str) -> Result<()> {
    /// let dal = DAL::builder(url).trace_context(current).connect().await?;
    /// let task = dal.task_execution().create(NewTaskExecution::standalone("mail")).await?;
    /// assert_eq!(task.trace_context, current());
    /// # Ok(())
    /// # }
    /// # async fn example(db: &TestDatabase) { traced(&db.url()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// [The page on tracing]: https://github.com/taskbox/taskbox/blob/main/docs/tracing.md
    pub fn trace_context(
        mut self,
        current: impl Fn() -> Option<TraceContext> + Send + Sync + 'static,
    ) -> Self {
        self.tracer = Tracer::new(current);
        self
    }

    /// Connects: makes the pool and one connection, so that a wrong URL shows here. A `SQLite` file is made
    /// if it is missing; tables are not, see [`DAL::migrate`]. Warns, by `tracing`, if the settings of the database may
    /// lose what it has committed, see [`DAL::durability`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the URL cannot be understood or names a backend that is not compiled in, and for a schema
    /// whose name cannot be one, on `SQLite`, or beside a `search_path` in the URL;
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
        let target = self.target()?;
        let pool = Pool::new(&target, self.pool_size)?;
        self.try_out(&pool).await?;
        Ok(DAL(Arc::new(
            Inner::new(pool, self.settings)
                .traced(self.tracer)
                .of(target),
        )))
    }

    fn target(&self) -> Result<Target> {
        let target = Target::parse(&self.url)?;
        match &self.schema {
            Some(schema) => target.within(&Schema::parse(schema)?),
            None => Ok(target),
        }
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
            .field("schema", &self.schema)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
