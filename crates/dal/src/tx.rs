use std::time::Duration;

#[cfg(feature = "postgres")]
use diesel_async::AsyncPgConnection;

#[cfg(feature = "sqlite")]
use crate::AsyncSqliteConnection;
use crate::{
    DoctorDAL, Error, ExecutionEventDAL, Joinable, PipelineExecutionDAL, Result, TaskExecutionDAL,
    TaskOutboxDAL, WorkerDAL,
    connection::Connection,
    dal::Context,
    witness::{Subject, Witness},
};

/// A transaction: the same accessors as on [`DAL`](crate::DAL), all in one, and the connection itself for
/// the program's own queries.
#[derive(Debug)]
pub struct Tx<'c> {
    pub(crate) connection: Connection<'c>,
    pub(crate) context: Context,
    /// The first event that an operation wrote on Postgres.
    pub(crate) witness: Option<Witness>,
    /// Whether the program was given the connection.
    pub(crate) lent: bool,
    /// The operation that is between its statements.
    pub(crate) unfinished: Option<&'static str>,
    /// The first statement error of an operation.
    failure: Option<String>,
    /// Whether that was for a database, or a session of it, that takes no writes.
    pub(crate) was_read_only: bool,
    /// In how long something is ready that was not before; `None` if nothing is.
    pub(crate) ready_in: Option<Duration>,
}

impl<'c> Tx<'c> {
    pub(crate) fn new(connection: Connection<'c>, context: Context) -> Self {
        Self {
            connection,
            context,
            witness: None,
            lent: false,
            unfinished: None,
            failure: None,
            was_read_only: false,
            ready_in: None,
        }
    }

    /// Joins a transaction that the program has begun on a connection of its own.
    ///
    /// The program commits it, so what [`DAL::transaction`](crate::DAL::transaction) guards is the
    /// program's to guard: commit only after every call here answered, roll back after any error of the
    /// database, and close the connection if the future that holds the transaction is dropped. On `SQLite`
    /// the transaction has to be one that began with `BEGIN IMMEDIATE`. The settings of a `DAL` do not reach here: a
    /// lease lasts the default of 30 s, and the default of 3 recoveries holds. And nobody is told that tasks became ready:
    /// call [`DAL::announce`](crate::DAL::announce) after the commit, or they are found when workers next look.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use taskbox_models::NewTaskExecution;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = format!("{}/tasks.db", folder.path().display());
    /// # taskbox_dal::DAL::connect(format!("sqlite://{path}")).await?.migrate().await?;
    /// use diesel::connection::AnsiTransactionManager;
    /// use diesel_async::{AsyncConnection, TransactionManager};
    /// use taskbox_dal::{AsyncSqliteConnection, Tx};
    ///
    /// let mut connection = AsyncSqliteConnection::establish(&path).await?;
    /// type Manager = <AsyncSqliteConnection as AsyncConnection>::TransactionManager;
    ///
    /// assert!(Tx::join(&mut connection).is_err(), "there is no transaction to join yet");
    /// let begin = "BEGIN IMMEDIATE";
    /// connection
    ///     .spawn_blocking(|sqlite| AnsiTransactionManager::begin_transaction_sql(sqlite, begin))
    ///     .await?;
    /// let mut tx = Tx::join(&mut connection)?;
    /// tx.task_execution().create(NewTaskExecution::standalone("send-mail")).await?;
    /// Manager::commit_transaction(&mut connection).await?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the connection is in no transaction.
    pub fn join(connection: impl Joinable<'c>) -> Result<Self> {
        Ok(Self::new(connection.in_transaction()?, Context::default()))
    }

    /// The connection, for queries of the program's own.
    ///
    /// # Errors
    ///
    /// [`Error::WrongBackend`] if the database is not Postgres.
    #[cfg(feature = "postgres")]
    pub fn postgres(&mut self) -> Result<&mut AsyncPgConnection> {
        self.lent = true;
        match &mut self.connection {
            Connection::Postgres(line) => Ok(line.as_it_is()),
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(_) => Err(Error::WrongBackend { asked: "Postgres" }),
        }
    }

    /// The connection, for queries of the program's own.
    ///
    /// # Errors
    ///
    /// [`Error::WrongBackend`] if the database is not `SQLite`.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(&mut self) -> Result<&mut AsyncSqliteConnection> {
        self.lent = true;
        match &mut self.connection {
            Connection::Sqlite(line) => Ok(line.as_it_is()),
            #[cfg(feature = "postgres")]
            Connection::Postgres(_) => Err(Error::WrongBackend { asked: "SQLite" }),
        }
    }

    /// What goes wrong in the field, and repairs.
    pub fn doctor(&mut self) -> DoctorDAL<&mut Self> {
        DoctorDAL::new(self)
    }

    /// The history: `execution_events`.
    pub fn execution_event(&mut self) -> ExecutionEventDAL<&mut Self> {
        ExecutionEventDAL::new(self)
    }

    /// The pipelines: `pipeline_executions`.
    pub fn pipeline_execution(&mut self) -> PipelineExecutionDAL<&mut Self> {
        PipelineExecutionDAL::new(self)
    }

    /// The tasks: `task_executions`, and every transition they make.
    pub fn task_execution(&mut self) -> TaskExecutionDAL<&mut Self> {
        TaskExecutionDAL::new(self)
    }

    /// The ready tasks: `task_outbox`.
    pub fn task_outbox(&mut self) -> TaskOutboxDAL<&mut Self> {
        TaskOutboxDAL::new(self)
    }

    /// The workers and their leases: `task_workers`.
    pub fn worker(&mut self) -> WorkerDAL<&mut Self> {
        WorkerDAL::new(self)
    }

    /// Keeps the first event, and so the one that is the least likely to be rolled back on its own.
    pub(crate) fn remember(&mut self, transaction_id: i64, subject: Subject) {
        let revocable = self.lent;
        self.witness.get_or_insert(Witness {
            transaction_id,
            subject,
            revocable,
        });
    }

    /// Keeps in how long something is ready, which is said once it is committed.
    pub(crate) fn is_ready_in(&mut self, delay: Duration) {
        let earliest = self.ready_in.map_or(delay, |other| other.min(delay));
        self.ready_in = Some(earliest);
    }

    /// Marks an operation as begun. Until [`Tx::leave`] the transaction cannot be committed, so an operation
    /// that is dropped half-way takes the transaction with it.
    pub(crate) fn enter(&mut self, operation: &'static str) -> Result<()> {
        self.committable()?;
        self.unfinished = Some(operation);
        Ok(())
    }

    /// Marks the operation as done. A refusal wrote nothing and leaves the transaction as it was; an error of
    /// the database spoils it.
    pub(crate) fn leave<R>(&mut self, result: Result<R>) -> Result<R> {
        self.unfinished = None;
        let result = result.map_err(|error| error.within(self.context.schema.as_ref()));
        if let Err(error) = &result
            && error.is_database()
        {
            self.failure = Some(error.to_string());
            self.was_read_only |= error.is_read_only();
        }
        result
    }

    /// Whether nothing speaks against a commit.
    pub(crate) fn committable(&self) -> Result<()> {
        if let Some(operation) = self.unfinished {
            return Err(Error::Unfinished { operation });
        }
        match &self.failure {
            Some(failure) => Err(Error::Poisoned {
                failure: failure.clone(),
            }),
            None => Ok(()),
        }
    }
}
