mod cursor;
mod follow;
mod prune;

use std::time::Duration;

use chrono::{DateTime, Utc};
use taskbox_models::{EventType, ExecutionEvent};
use uuid::Uuid;

pub use self::{
    cursor::EventCursor,
    follow::EventPage,
    prune::{Prunable, Pruned},
};

use crate::{
    Door, Result, Tx,
    connection::Connection,
    queries::{duration, execution_event, transition::microseconds},
    validate,
};

/// The history: `dal.execution_event()` or `tx.execution_event()`.
///
/// Every transition writes its event by itself, so there is nothing to add to it here.
#[derive(Clone, Copy, Debug)]
#[must_use = "an accessor does nothing by itself"]
pub struct ExecutionEventDAL<D> {
    door: D,
}

/// What [`ExecutionEventDAL::count_recent`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recent {
    /// How many events there were.
    pub count: i64,
    /// How far back was looked: as far as was asked, or less where there were too many events to look at.
    pub span: Duration,
}

impl<D: Door> ExecutionEventDAL<D> {
    pub(crate) fn new(door: D) -> Self {
        Self { door }
    }

    /// A task's events in the order they happened; empty if there is no such task.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn list_by_task(self, task: Uuid) -> Result<Vec<ExecutionEvent>> {
        self.door
            .read(async |connection: &mut Connection<'_>| {
                execution_event::list_by_task(connection, task).await
            })
            .await
    }

    /// The events of a pipeline and of all its tasks, in the order they were written; empty if there is no
    /// such pipeline.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn list_by_pipeline(self, pipeline: Uuid) -> Result<Vec<ExecutionEvent>> {
        self.door
            .read(async |connection: &mut Connection<'_>| {
                execution_event::list_by_pipeline(connection, pipeline).await
            })
            .await
    }

    /// The newest events of a type, newest first, `limit` at the most.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn list_by_type(
        self,
        event_type: EventType,
        limit: i64,
    ) -> Result<Vec<ExecutionEvent>> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                execution_event::list_by_type(connection, event_type, limit).await
            })
            .await
    }

    /// The newest events, newest first, `limit` at the most.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn get_recent(self, limit: i64) -> Result<Vec<ExecutionEvent>> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                execution_event::get_recent(connection, limit).await
            })
            .await
    }

    /// How many events of a type happened lately, by the database's clock. Looks at the newest `limit` events and no
    /// further, whatever the length of the history: at those of this type, or for `TaskCreated`, `TaskMarkedReady`,
    /// `TaskClaimed` and `TaskCompleted`, which nearly every task has, at those of all types.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::EventType;
    ///
    /// async fn completed_per_minute(dal: &DAL) -> Result<f64> {
    ///     let minutes = Duration::from_secs(5 * 60);
    ///     let recent = dal.execution_event().count_recent(EventType::TaskCompleted, minutes, 10_000).await?;
    ///     Ok(recent.count as f64 * 60.0 / recent.span.as_secs_f64())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     let dal = DAL::connect(db.url()).await.unwrap();
    /// #     assert_eq!(completed_per_minute(&dal).await.unwrap(), 0.0);
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative, or `within` longer than a century.
    pub async fn count_recent(
        self,
        event_type: EventType,
        within: Duration,
        limit: i64,
    ) -> Result<Recent> {
        validate::limit(limit)?;
        let microseconds = microseconds("within", within)?;
        let (count, looked_at, oldest) = self
            .door
            .read(async |connection: &mut Connection<'_>| {
                execution_event::count_recent(connection, event_type, microseconds, limit).await
            })
            .await?;
        let span = if looked_at < limit {
            within
        } else {
            within.min(oldest.map(duration).unwrap_or_default())
        };
        Ok(Recent { count, span })
    }

    /// How many events are older than the cut-off.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn count_older_than(self, cutoff: DateTime<Utc>) -> Result<i64> {
        let cutoff = validate::cutoff(cutoff);
        self.door
            .read(async |connection: &mut Connection<'_>| {
                execution_event::count_older_than(connection, cutoff).await
            })
            .await
    }

    /// Deletes the events that are older than the cut-off, those of live tasks included. Answers how many.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn delete_older_than(self, cutoff: DateTime<Utc>) -> Result<usize> {
        let cutoff = validate::cutoff(cutoff);
        self.door
            .write(
                "execution_event.delete_older_than",
                async |tx: &mut Tx<'_>| {
                    execution_event::delete_older_than(&mut tx.connection, cutoff).await
                },
            )
            .await
    }
}
