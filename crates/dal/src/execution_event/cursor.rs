//! How far a reader of the history has come.

mod marks;
#[cfg(feature = "postgres")]
mod postgres;

use serde::{Deserialize, Serialize};
use taskbox_models::ExecutionEvent;

use self::marks::Marks;
use crate::{
    Result,
    connection::Connection,
    queries::execution_event::follow::{self, Snapshot},
};

/// How far a reader of the history has come: what [`read_after`](crate::ExecutionEventDAL::read_after) answers with, and
/// where its next call goes on. The default is the beginning of the history.
///
/// It can be stored as JSON, and is of use as long as the database is this one: in a copy that was restored into another
/// server, begin anew.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct EventCursor {
    /// What is being read has been read up to this id.
    after: i64,
    /// What has been read whole. On `SQLite` nothing: there the id says it all.
    seen: Snapshot,
    /// What is being read: that which was committed here and had not been before. `None` between the readings.
    reading: Option<Snapshot>,
    /// What need not be looked at again. Only on Postgres.
    marks: Marks,
}

impl EventCursor {
    /// The newest events, oldest first, and the cursor behind them.
    pub(crate) async fn latest(
        connection: &mut Connection<'_>,
        limit: i64,
    ) -> Result<(Vec<ExecutionEvent>, Self)> {
        let (mut events, cursor): (Vec<ExecutionEvent>, Self) = match connection {
            #[cfg(feature = "postgres")]
            Connection::Postgres(line) => postgres::latest(line.begun().await?, limit).await?,
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(line) => {
                let c = line.begun().await?;
                let after = follow::sqlite::newest(c).await?;
                let events = follow::sqlite::latest(c, after, limit).await?;
                let cursor = Self {
                    after,
                    ..Self::default()
                };
                (events, cursor)
            }
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Connection::None(never, _) => match *never {},
        };
        events.reverse();
        Ok((events, cursor))
    }

    /// The next events, of which the cursor is then behind.
    pub(crate) async fn advance(
        &mut self,
        connection: &mut Connection<'_>,
        limit: i64,
    ) -> Result<Vec<ExecutionEvent>> {
        match connection {
            #[cfg(feature = "postgres")]
            Connection::Postgres(line) => {
                self.advance_on_postgres(line.begun().await?, limit).await
            }
            #[cfg(feature = "sqlite")]
            Connection::Sqlite(line) => {
                let c = line.begun().await?;
                let events = follow::sqlite::after(c, self.after, limit).await?;
                self.after = events.last().map_or(self.after, |event| event.id);
                Ok(events)
            }
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            Connection::None(never, _) => match *never {},
        }
    }
}
