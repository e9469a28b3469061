use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

#[cfg(feature = "postgres")]
use crate::queries::transition::postgres::head::Heads;
use crate::{
    DALBuilder, DoctorDAL, ExecutionEventDAL, PipelineExecutionDAL, Pool, Result, TaskExecutionDAL,
    TaskOutboxDAL, WorkerDAL, backend::Target, connection::Connection, door::sealed::Door,
    fault::Faults, queries::now, schema::Schema, tracer::Tracer, wakeups::hub::Hub,
};

/// The handle: a pool of connections to the database of the tasks.
///
/// Cheap to clone and to share. There is one accessor per table; each call through it is a transaction of
/// its own. Several calls, and the program's own writes, become one by [`DAL::transaction`].
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> taskbox_dal::Result<()> {
/// use taskbox_dal::DAL;
/// use taskbox_models::NewTaskExecution;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let url = format!("sqlite://{}/tasks.db", folder.path().display());
/// let dal = DAL::connect(&url).await?;
/// dal.migrate().await?;
/// let task = dal.task_execution().create(NewTaskExecution::standalone("send-mail")).await?;
/// dal.task_execution().mark_ready(task.id).await?;
/// assert_eq!(dal.task_outbox().count_pending().await?, 1);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "sqlite"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct DAL(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) pool: Pool,
    pub(crate) context: Context,
    /// What the pool connects to; `None` for one that the program made.
    pub(crate) target: Option<Target>,
    pub(crate) hub: Arc<Hub>,
}

/// What a transaction needs of the handle that it came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    pub(crate) settings: Settings,
    /// The schema that the connections were told to keep to.
    pub(crate) schema: Option<Schema>,
    pub(crate) tracer: Tracer,
    pub(crate) faults: Faults,
    #[cfg(feature = "postgres")]
    pub(crate) heads: Arc<Heads>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) acquire_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) lease: Duration,
    pub(crate) max_recoveries: i32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            acquire_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
            lease: Duration::from_secs(30),
            max_recoveries: 3,
        }
    }
}

impl Inner {
    pub(crate) fn new(pool: Pool, settings: Settings) -> Self {
        let context = Context {
            settings,
            ..Context::default()
        };
        Self {
            pool,
            context,
            target: None,
            hub: Arc::default(),
        }
    }

    /// With one who says which trace goes on.
    pub(crate) fn traced(mut self, tracer: Tracer) -> Self {
        self.context.tracer = tracer;
        self
    }

    /// With what the pool connects to, where a file is there already.
    pub(crate) fn of(self, target: Target) -> Self {
        let hub = match &target {
            #[cfg(feature = "sqlite")]
            Target::Sqlite(path) => Hub::of_file(path),
            #[cfg(feature = "postgres")]
            Target::Postgres(_) => self.hub,
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Target::None(never) => match *never {},
        };
        let context = Context {
            schema: target.schema().cloned(),
            ..self.context
        };
        Self {
            pool: self.pool,
            context,
            target: Some(target),
            hub,
        }
    }
}

impl DAL {
    /// Connects with the default settings: `postgres://user@host/database`, or `sqlite://tasks.db` for the
    /// file `tasks.db` in the current folder, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// As [`DALBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).connect().await
    }

    /// Settings to connect with.
    pub fn builder(url: impl Into<String>) -> DALBuilder {
        DALBuilder::new(url.into())
    }

    /// Uses a deadpool of diesel-async connections that the program already has: of `AsyncPgConnection`, or
    /// of [`AsyncSqliteConnection`](crate::AsyncSqliteConnection).
    ///
    /// The connections are taken as they are: what `connect` sets on its own (timeouts and a schema on Postgres; WAL, a
    /// busy timeout and foreign keys on `SQLite`) is the pool's to set. What a closure sets for the session, such as its
    /// `search_path`, stays on the connection: only the pool could put it back as it was.
    #[must_use]
    pub fn from_pool(pool: impl Into<Pool>) -> Self {
        Self(Arc::new(Inner::new(pool.into(), Settings::default())))
    }

    /// Another handle to the same database, with the same settings and `pool_size` connections of its own, so that what
    /// uses it never waits for what uses this one. `None` after [`from_pool`](Self::from_pool), which names no database
    /// to connect to. Connects when it is first used.
    ///
    /// On `SQLite` its writers and those of this handle take turns as those of two programs do.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if `pool_size` is 0.
    pub fn with_own_pool(&self, pool_size: usize) -> Result<Option<Self>> {
        let Some(target) = &self.0.target else {
            return Ok(None);
        };
        let inner = Inner {
            pool: Pool::new(target, pool_size)?,
            context: self.0.context.clone(),
            target: Some(target.clone()),
            hub: Arc::clone(&self.0.hub),
        };
        Ok(Some(Self(Arc::new(inner))))
    }

    /// What the database's clock shows: the one clock by which every stored time is taken.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::NewTaskExecution;
    ///
    /// async fn look(dal: &DAL) -> Result<()> {
    ///     let task = dal.task_execution().create(NewTaskExecution::standalone("mail")).await?;
    ///     assert!(dal.now().await? >= task.created_at);
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { look(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn now(&self) -> Result<DateTime<Utc>> {
        self.read(async |connection: &mut Connection<'_>| now::now(connection).await)
            .await
    }

    /// What goes wrong in the field, and repairs.
    pub fn doctor(&self) -> DoctorDAL<&Self> {
        DoctorDAL::new(self)
    }

    /// The history: `execution_events`.
    pub fn execution_event(&self) -> ExecutionEventDAL<&Self> {
        ExecutionEventDAL::new(self)
    }

    /// The pipelines: `pipeline_executions`.
    pub fn pipeline_execution(&self) -> PipelineExecutionDAL<&Self> {
        PipelineExecutionDAL::new(self)
    }

    /// The tasks: `task_executions`, and every transition they make.
    pub fn task_execution(&self) -> TaskExecutionDAL<&Self> {
        TaskExecutionDAL::new(self)
    }

    /// The ready tasks: `task_outbox`.
    pub fn task_outbox(&self) -> TaskOutboxDAL<&Self> {
        TaskOutboxDAL::new(self)
    }

    /// The workers and their leases: `task_workers`.
    pub fn worker(&self) -> WorkerDAL<&Self> {
        WorkerDAL::new(self)
    }

    /// The fault points of this handle and of its clones.
    #[cfg(taskbox_faults)]
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.context.faults
    }
}
