use std::time::Duration;

use taskbox_models::{Transition, Worker};
use uuid::Uuid;

use crate::{
    Door, Error, Result, Tx,
    connection::Connection,
    queries::{
        duration,
        transition::{Change, Source, apply, microseconds},
        worker,
    },
    validate,
};

/// The workers and their leases: `dal.worker()` or `tx.worker()`.
///
/// A worker is what runs tasks, such as a process. It may claim as long as its lease lasts, which each heartbeat renews;
/// after that, anyone may take its tasks back.
#[derive(Clone, Copy, Debug)]
#[must_use = "an accessor does nothing by itself"]
pub struct WorkerDAL<D> {
    door: D,
}

/// What others did to a worker's tasks since its last heartbeat. It need not go on with them: whatever it does to them
/// is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "tasks may have been taken away"]
pub struct Heartbeat {
    /// The tasks that were taken back, since the worker's lease had expired.
    pub lost: Vec<Uuid>,
    /// The tasks that were cancelled.
    pub cancelled: Vec<Uuid>,
}

/// A worker, and what it has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerLoad {
    /// The worker.
    pub worker: Worker,
    /// How many tasks it runs.
    pub running: i64,
    /// For how long its lease lasts, by the database's clock; zero if it is over, and others may take its tasks back.
    pub lease_left: Duration,
}

impl<D: Door> WorkerDAL<D> {
    pub(crate) fn new(door: D) -> Self {
        Self { door }
    }

    /// Makes a worker, with a lease from now on. Each time is a new incarnation: it has nothing to do with an earlier
    /// worker of the same name, whose tasks come back when that one's lease expires.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    ///
    /// async fn start(dal: &DAL) -> Result<()> {
    ///     let worker = dal.worker().register("host-1").await?;
    ///     assert!(worker.lease_expires_at > worker.registered_at);
    ///     let other = dal.worker().register("host-1").await?;
    ///     assert_ne!(worker.id, other.id);
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { start(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a name that cannot be kept.
    pub async fn register(self, name: impl Into<String>) -> Result<Worker> {
        let name = &name.into();
        validate::name("name", name)?;
        let id = Uuid::now_v7();
        self.door
            .write("register", async |tx: &mut Tx<'_>| {
                let lease = microseconds("lease", tx.context.settings.lease)?;
                tx.context.faults.reach("register: insert")?;
                let made = worker::insert(&mut tx.connection, id, name, lease).await?;
                made.ok_or_else(|| {
                    Error::invalid("the database", "did not answer with the worker it made")
                })
            })
            .await
    }

    /// Renews the lease from now on, also one that has expired if nobody has taken everything back yet; and tells, once,
    /// which tasks others have taken away since the last time.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::NewTaskExecution;
    ///
    /// async fn beat(dal: &DAL) -> Result<()> {
    ///     let task = dal.task_execution().create(NewTaskExecution::standalone("mail")).await?;
    ///     dal.task_execution().mark_ready(task.id).await?;
    ///     let worker = dal.worker().register("host-1").await?;
    ///     assert_eq!(dal.task_execution().claim(&worker, 1).await?.len(), 1);
    ///
    ///     dal.task_execution().cancel(task.id).await?; // somebody else, somewhere else
    ///     assert_eq!(dal.worker().heartbeat(&worker).await?.cancelled, [task.id]);
    ///     assert!(dal.worker().heartbeat(&worker).await?.cancelled.is_empty());
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { beat(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] if there is no such worker any more: everything it had was taken back. Register again.
    pub async fn heartbeat(self, worker: &Worker) -> Result<Heartbeat> {
        let id = worker.id;
        self.door
            .write("heartbeat", async |tx: &mut Tx<'_>| {
                let lease = microseconds("lease", tx.context.settings.lease)?;
                tx.context.faults.reach("heartbeat: renew")?;
                let told = worker::renew(&mut tx.connection, id, lease).await?;
                let (lost, cancelled) = told.ok_or(Error::LeaseLost { what: "worker", id })?;
                without_claimed_again(tx, id, Heartbeat { lost, cancelled }).await
            })
            .await
    }

    /// The workers in the order in which they registered, `limit` at the most: those that live, and those that died and
    /// were not forgotten yet.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    ///
    /// async fn look(dal: &DAL) -> Result<()> {
    ///     let worker = dal.worker().register("host-1").await?;
    ///     let loads = dal.worker().list(10).await?;
    ///     assert_eq!((&loads[0].worker, loads[0].running), (&worker, 0));
    ///     assert!(!loads[0].lease_left.is_zero());
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { look(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the limit is negative.
    pub async fn list(self, limit: i64) -> Result<Vec<WorkerLoad>> {
        validate::limit(limit)?;
        let loads = self
            .door
            .read(async |connection: &mut Connection<'_>| worker::list(connection, limit).await)
            .await?;
        let loads = loads.into_iter();
        Ok(loads
            .map(|(worker, running, left)| WorkerLoad {
                worker,
                running,
                lease_left: duration(left),
            })
            .collect())
    }

    /// Ends a worker: its tasks are ready again, and their attempts do not count. There is nothing to do for a worker
    /// from which everything was taken back.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::NewTaskExecution;
    ///
    /// async fn stop(dal: &DAL) -> Result<()> {
    ///     let task = dal.task_execution().create(NewTaskExecution::standalone("mail")).await?;
    ///     dal.task_execution().mark_ready(task.id).await?;
    ///     let worker = dal.worker().register("host-1").await?;
    ///     assert_eq!(dal.task_execution().claim(&worker, 1).await?.len(), 1);
    ///
    ///     dal.worker().deregister(worker).await?;
    ///     assert_eq!(dal.task_outbox().count_pending().await?, 1);
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { stop(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn deregister(self, worker: Worker) -> Result<()> {
        let id = worker.id;
        self.door
            .write("deregister", async |tx: &mut Tx<'_>| {
                release_all(tx, id).await?;
                // What was claimed while the first release waited; nothing more once the worker is locked, which must
                // not be before the tasks: others lock it after theirs.
                tx.context.faults.reach("deregister: lock")?;
                worker::lock(&mut tx.connection, id).await?;
                release_all(tx, id).await?;
                tx.context.faults.reach("deregister: delete")?;
                worker::delete(&mut tx.connection, id).await?;
                Ok(())
            })
            .await
    }
}

async fn release_all(tx: &mut Tx<'_>, worker: Uuid) -> Result<()> {
    let change = Change {
        rule: Transition::Release.rule(),
        source: Source::OfWorker(worker),
    };
    apply(tx, change).await.map(drop)
}

/// What was taken from the worker and claimed by it again is its own, and it must not stop working on it.
async fn without_claimed_again(
    tx: &mut Tx<'_>,
    id: Uuid,
    mut told: Heartbeat,
) -> Result<Heartbeat> {
    let tasks = [told.lost.as_slice(), &told.cancelled].concat();
    if tasks.is_empty() {
        return Ok(told);
    }
    tx.context.faults.reach("heartbeat: told")?;
    let running = worker::running(&mut tx.connection, id, &tasks).await?;
    told.lost.retain(|task| !running.contains(task));
    told.cancelled.retain(|task| !running.contains(task));
    Ok(told)
}
