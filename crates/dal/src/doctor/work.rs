use std::time::Duration;

use super::DoctorDAL;
use crate::{
    Door, Result,
    connection::Connection,
    queries::{doctor::work, duration, transition::microseconds},
    validate,
};

/// When a task was last claimed from a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastClaim {
    /// The queue.
    pub queue: String,
    /// How long ago, by the database's clock.
    pub ago: Duration,
}

/// Tasks of one name that workers claim only to put them off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutOff {
    /// The name of the tasks.
    pub task_name: String,
    /// How many tasks of that name wait.
    pub tasks: i64,
    /// How often they were put off, all together.
    pub times: i64,
}

impl<D: Door> DoctorDAL<D> {
    /// When a task was last claimed from each queue, in the order of their names. Looks at the newest `limit` events:
    /// a queue from which none of these tells of a claim is left out.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn last_claims(self, limit: i64) -> Result<Vec<LastClaim>> {
        validate::limit(limit)?;
        let claims = self
            .door
            .read(async |connection: &mut Connection<'_>| {
                work::last_claims(connection, limit).await
            })
            .await?;
        let claims = claims.into_iter();
        Ok(claims
            .map(|(queue, ago)| LastClaim {
                queue,
                ago: duration(ago),
            })
            .collect())
    }

    /// The names of tasks that have not ended and were put off lately, with no other end of an attempt of that name: the
    /// most often put off first. Executors put off what they have no handler for.
    ///
    /// Looks at the newest `limit` events of tasks that were put off, not older than `within`, and for other ends at
    /// the newest `limit` of all.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative, or `within` longer than
    /// [`MAX_DELAY`](crate::limits::MAX_DELAY).
    pub async fn put_off(self, within: Duration, limit: i64) -> Result<Vec<PutOff>> {
        validate::limit(limit)?;
        let within = microseconds("within", within)?;
        let names = self
            .door
            .read(async |connection: &mut Connection<'_>| {
                work::put_off(connection, within, limit).await
            })
            .await?;
        let names = names.into_iter();
        Ok(names
            .map(|(task_name, tasks, times)| PutOff {
                task_name,
                tasks,
                times,
            })
            .collect())
    }
}
