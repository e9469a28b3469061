mod database;
mod history;
mod index;
mod invariant;
mod work;

use uuid::Uuid;

pub use self::{
    database::{Holder, OpenTransaction, OpenTransactions, TableRows},
    index::{IndexFault, IndexProblem},
    invariant::Invariant,
    work::{LastClaim, PutOff},
};

use crate::{Door, Result, Tx, connection::Connection, queries::doctor, validate};

/// What goes wrong with a database in the field: `dal.doctor()` or `tx.doctor()`.
///
/// What looks changes nothing, and each call that looks is one query. None of this is for the ordinary work of a
/// program: some of it reads tables from end to end, as is said with each, for as long as the deadline of the `DAL` lets
/// it. What `taskbox doctor` prints comes from here.
#[derive(Clone, Copy, Debug)]
#[must_use = "an accessor does nothing by itself"]
pub struct DoctorDAL<D> {
    door: D,
}

impl<D: Door> DoctorDAL<D> {
    pub(crate) fn new(door: D) -> Self {
        Self { door }
    }

    /// The tasks or pipelines that break an invariant, `limit` at the most, in the order of their ids; empty if all is
    /// well. Operations that run meanwhile do not show: what a transaction writes is seen together or not at all.
    ///
    /// Reads a live table from end to end, or the tasks, or the pipelines: see [`Invariant`].
    ///
    /// ```
    /// use taskbox_dal::{DAL, Invariant, Result};
    ///
    /// async fn check(dal: &DAL) -> Result<()> {
    ///     for invariant in Invariant::ALL {
    ///         for id in dal.doctor().broken(invariant, 100).await? {
    ///             println!("{invariant}: {id}");
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { check(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn broken(self, invariant: Invariant, limit: i64) -> Result<Vec<Uuid>> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                doctor::invariant::broken(connection, invariant, limit).await
            })
            .await
    }

    /// Mends an invariant for those of the tasks or pipelines that break it, and answers for how many; the others are
    /// left alone, and so is what cannot be mended. [`Invariant::mend`] says how.
    ///
    /// Each is looked at again once it is locked, so it does no harm if it has been put right meanwhile. Where a task
    /// moves, it moves by its ordinary transition, with its event.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Invariant, Result};
    ///
    /// /// All that can be mended, in one transaction.
    /// async fn repair(dal: &DAL) -> Result<usize> {
    ///     dal.transaction(async |tx| {
    ///         let mut mended = 0;
    ///         for invariant in Invariant::ALL {
    ///             let broken = tx.doctor().broken(invariant, 100).await?;
    ///             mended += tx.doctor().mend(invariant, &broken).await?;
    ///         }
    ///         Ok(mended)
    ///     })
    ///     .await
    /// }
    /// # use taskbox_models::NewTaskExecution;
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     let dal = DAL::connect(db.url()).await.unwrap();
    /// #     let task = dal.task_execution().create(NewTaskExecution::standalone("t")).await.unwrap().id;
    /// #     dal.task_execution().mark_ready(task).await.unwrap();
    /// #     db.execute("DELETE FROM task_outbox").await;
    /// #     assert_eq!(repair(&dal).await.unwrap(), 1);
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn mend(self, invariant: Invariant, ids: &[Uuid]) -> Result<usize> {
        self.door
            .write("doctor.mend", async |tx: &mut Tx<'_>| {
                if ids.is_empty() {
                    return Ok(0);
                }
                tx.context.faults.reach("mend: lock")?;
                let mended = doctor::mend::mend(tx, invariant, ids).await?;
                tx.context.faults.reach("mend: done")?;
                Ok(mended)
            })
            .await
    }
}
