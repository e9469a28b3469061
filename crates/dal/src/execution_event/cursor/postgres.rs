//! Ids say nothing of the order of commits here, so what is read is the difference of two snapshots. What a transaction
//! commits late is in the next one, and what is in the same is in the order of ids: the events of a task stay in theirs,
//! since whoever changes it waits for the commit of those who did so before.

use diesel_async::AsyncPgConnection;
use taskbox_models::ExecutionEvent;

use super::{EventCursor, Snapshot, follow, marks::Mark};
use crate::Result;

/// After so many events it is worth a transaction of its own to know that those before need not be looked at again.
const BETWEEN_MARKS: i64 = 1_000;

/// The newest events, newest first, and the cursor behind them.
pub(super) async fn latest(
    connection: &mut AsyncPgConnection,
    limit: i64,
) -> Result<(Vec<ExecutionEvent>, EventCursor)> {
    let mut cursor = EventCursor::default();
    cursor.marks.push(mark(connection).await?);
    cursor.seen = follow::snapshot(connection).await?;
    let events = follow::latest_in(connection, &cursor.seen, limit).await?;
    Ok((events, cursor))
}

impl EventCursor {
    pub(super) async fn advance_on_postgres(
        &mut self,
        connection: &mut AsyncPgConnection,
        limit: i64,
    ) -> Result<Vec<ExecutionEvent>> {
        let events = self.read_on(connection, limit).await?;
        if events.is_empty() && self.look(connection).await? {
            return self.read_on(connection, limit).await;
        }
        Ok(events)
    }

    /// What is left of what is being read.
    async fn read_on(
        &mut self,
        connection: &mut AsyncPgConnection,
        limit: i64,
    ) -> Result<Vec<ExecutionEvent>> {
        let Some(reading) = &self.reading else {
            return Ok(Vec::new());
        };
        let ended = self.seen.ended_until(reading);
        let before = (self.seen.next, &*ended);
        let events = follow::between(connection, before, reading, self.after, limit).await?;
        match events.last() {
            Some(last) if i64::try_from(events.len()).is_ok_and(|it| it == limit) => {
                self.after = last.id;
            }
            _ => self.seen = self.reading.take().unwrap_or_default(),
        }
        Ok(events)
    }

    /// Begins to read what has been committed since. Answers whether there may be any of it.
    async fn look(&mut self, connection: &mut AsyncPgConnection) -> Result<bool> {
        let now = follow::snapshot(connection).await?;
        if now == self.seen {
            return Ok(false);
        }
        self.after = self.marks.before(self.seen.first_until(&now));
        self.marks.forget_before(self.seen.first_open());
        if now.newest.saturating_sub(self.marks.last()) >= BETWEEN_MARKS {
            self.marks.push(mark(connection).await?);
        }
        self.reading = Some(now);
        Ok(true)
    }
}

impl Snapshot {
    /// Those that were open here, and had ended then.
    fn ended_until(&self, then: &Self) -> Vec<i64> {
        let running = self.running.iter().copied();
        running.filter(|it| !then.running.contains(it)).collect()
    }

    /// The first of those that can have committed between here and then.
    fn first_until(&self, then: &Self) -> i64 {
        let ended = self.ended_until(then).into_iter().min();
        ended.map_or(self.next, |ended| ended.min(self.next))
    }

    /// The first of those that had not ended.
    fn first_open(&self) -> i64 {
        let running = self.running.iter().copied().min();
        running.map_or(self.next, |running| running.min(self.next))
    }
}

async fn mark(connection: &mut AsyncPgConnection) -> Result<Mark> {
    let (transaction, id) = follow::newest_now(connection).await?;
    Ok(Mark { transaction, id })
}
