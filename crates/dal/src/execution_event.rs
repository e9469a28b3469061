use chrono::{DateTime, Utc};
use taskbox_models::{EventType, ExecutionEvent};
use uuid::Uuid;

use crate::{Door, Result, Tx, connection::Connection, queries::execution_event, validate};

/// The history: `dal.execution_event()` or `tx.execution_event()`.
///
/// Every transition writes its event by itself, so there is nothing to add to it here.
#[derive(Clone, Copy, Debug)]
#[must_use = "an accessor does nothing by itself"]
pub struct ExecutionEventDAL<D> {
    door: D,
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
