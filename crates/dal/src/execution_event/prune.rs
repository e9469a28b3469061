//! Deleting what ended long ago, a bounded batch at a time.

use std::{collections::BTreeSet, time::Duration};

use uuid::Uuid;

use super::ExecutionEventDAL;
use crate::{
    Door, Result, Tx,
    connection::Connection,
    queries::{
        execution_event::prune::{self, Entry},
        transition::microseconds,
    },
    validate,
};

/// What a call of [`prune`](ExecutionEventDAL::prune) deleted, and where the next goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "it may have more to delete"]
pub struct Pruned {
    /// The pipelines that are gone. Their tasks, which are gone as well, are not counted.
    pub pipelines: usize,
    /// The tasks of no pipeline that are gone.
    pub tasks: usize,
    /// The events that are gone, of all of these.
    pub events: usize,
    /// What to give to the next call as `after`; `None` once the walk has come to events that are young.
    pub next: Option<i64>,
}

/// How much ended long ago, as [`count_prunable`](ExecutionEventDAL::count_prunable) counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prunable {
    /// The pipelines. Their tasks are not counted.
    pub pipelines: i64,
    /// The tasks of no pipeline.
    pub tasks: i64,
}

impl<D: Door> ExecutionEventDAL<D> {
    /// Deletes what ended longer ago than `age`, by the clock of the database: pipelines with all of their tasks, tasks
    /// of no pipeline, and the events of both. Whatever has not ended keeps all of its history.
    ///
    /// Walks the history from the event behind `after` on, `limit` events at a time: 0 is its beginning. A call deletes
    /// about as many tasks as that, so that no other call waits long; but a pipeline goes as a whole, however large it
    /// is. What another transaction holds at this moment is passed over, and found by the next walk. A task or pipeline
    /// of which no event is left is not found.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use taskbox_dal::{DAL, Result};
    ///
    /// /// Forgets what ended more than 30 days ago.
    /// async fn clean_up(dal: &DAL) -> Result<()> {
    ///     let mut after = Some(0);
    ///     while let Some(position) = after {
    ///         let pruned = dal.execution_event().prune(Duration::from_hours(30 * 24), position, 1_000).await?;
    ///         after = pruned.next;
    ///     }
    ///     Ok(())
    /// }
    /// # use taskbox_models::NewTaskExecution;
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     let dal = DAL::connect(db.url()).await.unwrap();
    /// #     let task = dal.task_execution().create(NewTaskExecution::standalone("t")).await.unwrap().id;
    /// #     clean_up(&dal).await.unwrap();
    /// #     dal.task_execution().get(task).await.unwrap();
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative, or the age longer than a century.
    pub async fn prune(self, age: Duration, after: i64, limit: i64) -> Result<Pruned> {
        validate::limit(limit)?;
        let age = microseconds("age", age)?;
        self.door
            .write("execution_event.prune", async |tx: &mut Tx<'_>| {
                prune_from(tx, age, after, limit).await
            })
            .await
    }
}

impl<D: Door> ExecutionEventDAL<D> {
    /// Counts what [`prune`](Self::prune) would delete, all of it. Reads all pipelines and tasks: for people who want to
    /// know before they delete, not for programs that do it now and then.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the age is longer than a century.
    pub async fn count_prunable(self, age: Duration) -> Result<Prunable> {
        let age = microseconds("age", age)?;
        let (pipelines, tasks) = self
            .door
            .read(async |connection: &mut Connection<'_>| prune::count(connection, age).await)
            .await?;
        Ok(Prunable { pipelines, tasks })
    }
}

async fn prune_from(tx: &mut Tx<'_>, age: i64, after: i64, limit: i64) -> Result<Pruned> {
    let mut entries = prune::entries(&mut tx.connection, after, limit, age).await?;
    let is_full = i64::try_from(entries.len()).is_ok_and(|found| found == limit);
    let is_all_old = entries.iter().all(|entry| entry.is_old);
    entries.retain(|entry| entry.is_old);
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Ok(Pruned::default());
    };
    let found = prune::lock_pipelines(&mut tx.connection, &pipelines(&entries), age, limit).await?;
    let pipelines = as_many_as(limit, &found);
    let tasks = prune::lock_tasks(&mut tx.connection, &tasks(&entries), age).await?;
    tx.context.faults.reach("prune: locked")?;
    let mut events = prune::delete_pipelines(&mut tx.connection, &pipelines).await?;
    tx.context.faults.reach("prune: tasks")?;
    events += prune::delete_tasks(&mut tx.connection, &tasks).await?;
    tx.context.faults.reach("prune: orphans")?;
    events += prune::delete_orphans(&mut tx.connection, first.id, last.id).await?;
    let is_cut_short = pipelines.len() < found.len();
    let goes_on = is_full && is_all_old;
    Ok(Pruned {
        pipelines: pipelines.len(),
        tasks: tasks.len(),
        events,
        next: match (is_cut_short, goes_on) {
            (true, _) => Some(after),
            (false, true) => Some(last.id),
            (false, false) => None,
        },
    })
}

fn pipelines(entries: &[Entry]) -> Vec<Uuid> {
    let pipelines: BTreeSet<Uuid> = entries.iter().filter_map(|entry| entry.pipeline).collect();
    pipelines.into_iter().collect()
}

/// Those of no pipeline.
fn tasks(entries: &[Entry]) -> Vec<Uuid> {
    let of_none = entries.iter().filter(|entry| entry.pipeline.is_none());
    let tasks: BTreeSet<Uuid> = of_none.filter_map(|entry| entry.task).collect();
    tasks.into_iter().collect()
}

/// The first pipelines that have so many tasks together, and at least one.
fn as_many_as(limit: i64, found: &[(Uuid, i64)]) -> Vec<Uuid> {
    let mut before = 0;
    let fit = found.iter().take_while(|(_, tasks)| {
        let fits = before == 0 || before + tasks <= limit;
        before += tasks;
        fits
    });
    fit.map(|found| found.0).collect()
}
