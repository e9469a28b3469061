//! Reading the history as it grows, without a gap.

use taskbox_models::ExecutionEvent;

use super::{EventCursor, ExecutionEventDAL};
use crate::{DAL, Result, connection::Connection, door::sealed::Door, validate};

/// Some events, and where the next call goes on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventPage {
    /// The events, none of which another page of this reader has; empty if there is nothing new.
    pub events: Vec<ExecutionEvent>,
    /// How far the reader has come with them.
    pub cursor: EventCursor,
}

/// Not on [`Tx`](crate::Tx), whose own events nobody knows yet whether they will be committed.
impl ExecutionEventDAL<&DAL> {
    /// The newest events, `limit` at the most, the oldest of them first, and the cursor from which on
    /// [`read_after`](Self::read_after) reads all others: those that are written later, and those that have been written
    /// and not yet committed. With a limit of 0 it says where the history ends, and no more.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn read_latest(self, limit: i64) -> Result<EventPage> {
        validate::limit(limit)?;
        let read = async |connection: &mut Connection<'_>| {
            let (events, cursor) = EventCursor::latest(connection, limit).await?;
            Ok(EventPage { events, cursor })
        };
        self.door.read(read).await
    }

    /// The events that were committed since, `limit` at the most: each once, whatever the order in which transactions
    /// commit, and those of a task in the order in which they happened. `&EventCursor::default()` is the beginning of
    /// the history. Empty if there is nothing new, or with a limit of 0.
    ///
    /// Does not wait, neither for events nor for transactions that are open. A reader who has stored what it was given
    /// together with the cursor goes on there after a crash, and misses nothing. What was deleted in between is not
    /// given.
    ///
    /// ```
    /// use taskbox_dal::{DAL, EventCursor, Result};
    ///
    /// /// Prints what is new, and says where to go on.
    /// async fn print_new(dal: &DAL, mut cursor: EventCursor) -> Result<EventCursor> {
    ///     loop {
    ///         let page = dal.execution_event().read_after(&cursor, 1_000).await?;
    ///         if page.events.is_empty() {
    ///             return Ok(cursor);
    ///         }
    ///         for event in page.events {
    ///             println!("{} {}", event.created_at, event.event_type);
    ///         }
    ///         cursor = page.cursor;
    ///     }
    /// }
    /// # use taskbox_models::NewTaskExecution;
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     let dal = DAL::connect(db.url()).await.unwrap();
    /// #     dal.task_execution().create(NewTaskExecution::standalone("t")).await.unwrap();
    /// #     let cursor = print_new(&dal, EventCursor::default()).await.unwrap();
    /// #     assert!(dal.execution_event().read_after(&cursor, 1).await.unwrap().events.is_empty());
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn read_after(self, cursor: &EventCursor, limit: i64) -> Result<EventPage> {
        validate::limit(limit)?;
        let mut cursor = cursor.clone();
        if limit == 0 {
            return Ok(EventPage {
                events: Vec::new(),
                cursor,
            });
        }
        let read = async |connection: &mut Connection<'_>| {
            let events = cursor.advance(connection, limit).await?;
            Ok(EventPage { events, cursor })
        };
        self.door.read(read).await
    }
}
