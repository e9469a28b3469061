use super::DoctorDAL;
use crate::{Door, Result, Tx, connection::Connection, queries::doctor::event, validate};

impl<D: Door> DoctorDAL<D> {
    /// How many of the newest `limit` events have the number of a transaction that this server has not had yet.
    ///
    /// They came from another server, by a dump. Whoever follows the history waits for transactions that still run, and
    /// so for these. 0 on `SQLite`, whose events have no such numbers.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn foreign_events(self, limit: i64) -> Result<i64> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| event::foreign(connection, limit).await)
            .await
    }

    /// Sets the numbers of such events to 0, which every follower has behind it; of `limit` events at the most. Answers
    /// of how many: if that is the limit, there may be more. Reads the whole history.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn adopt_events(self, limit: i64) -> Result<usize> {
        validate::limit(limit)?;
        self.door
            .write("doctor.adopt_events", async |tx: &mut Tx<'_>| {
                tx.context.faults.reach("adopt events")?;
                event::adopt(&mut tx.connection, limit).await
            })
            .await
    }
}
