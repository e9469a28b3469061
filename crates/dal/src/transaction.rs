//! The one door for transactions.

mod end;

use std::{future::Future, time::Duration};

use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

use crate::{
    Closure, DAL, Error, Result, RetryClosure, Tx,
    backend::{CommitError, Ended, Extent, Lease},
    retry::pause_before_retry,
    witness::Witness,
};
use end::{End, Reached};

/// How long a rollback may take before the connection is closed instead.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(2);

impl DAL {
    /// Runs the closure in a transaction, once: commits if it returns `Ok`, rolls back if it returns `Err`.
    ///
    /// Everything done through `tx` is one transaction, the program's own queries included
    /// (`tx.postgres()?`, `tx.sqlite()?`). If this returns `Ok`, all of it is committed, and durably so.
    ///
    /// - An error that the closure swallows does not get past here: a transaction in which a statement of
    ///   Taskbox failed, or one of the program's on Postgres, is rolled back and says so.
    /// - An operation that is dropped before it is done, as by a timeout around it, takes the transaction with it.
    /// - Dropping the returned future rolls back, and frees every lock, without waiting.
    /// - The whole is bounded by the deadline of the `DAL`, the wait for a connection included. Only rolling back and
    ///   finding out what became of a lost COMMIT may take some seconds more.
    ///
    /// **On `SQLite` there is one writer at a time**: while the closure runs, every other writer waits. And do
    /// not use the `DAL` inside the closure: it would wait for the connection that the closure holds.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> taskbox_dal::Result<()> {
    /// # use taskbox_dal::{DAL, Error};
    /// # use taskbox_models::{NewTaskExecution, TaskStatus};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let dal = DAL::connect(format!("sqlite://{}/tasks.db", folder.path().display())).await?;
    /// # dal.migrate().await?;
    /// use diesel_async::RunQueryDsl;
    ///
    /// let task = dal.task_execution().create(NewTaskExecution::standalone("ship")).await?;
    /// dal.transaction(async |tx| {
    ///     diesel::sql_query("CREATE TABLE orders (id INTEGER)").execute(tx.sqlite()?).await?;
    ///     tx.task_execution().mark_ready(task.id).await
    /// })
    /// .await?;
    /// assert_eq!(dal.task_execution().get(task.id).await?.status, TaskStatus::Ready);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "sqlite"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// What the closure returned; [`Error::PoolTimeout`], [`Error::DeadlineExceeded`], [`Error::Unfinished`],
    /// [`Error::Poisoned`] or [`Error::Database`] if the transaction is rolled back for another reason;
    /// [`Error::CommitUnknown`] if the connection was lost during COMMIT and the database could not be
    /// asked what became of it.
    #[expect(
        clippy::manual_async_fn,
        reason = "as an `async fn` its future cannot be proved `Send`: rust-lang/rust#100013"
    )]
    pub fn transaction<F, R, E>(&self, closure: F) -> impl Future<Output = Result<R, E>> + Send
    where
        F: for<'r, 'c> Closure<&'r mut Tx<'c>, Result<R, E>, Future: Send> + Send,
        R: Send,
        E: From<Error> + Send,
    {
        async move {
            let deadline = self.deadline();
            let mut lease = self.open(Extent::Closure, deadline).await?;
            let mut tx = Tx::new(lease.connection(), self.0.context.clone());
            let result = timeout_at(deadline, closure(&mut tx)).await;
            let end = End::of(tx);
            self.close(lease, end, result, deadline).await
        }
    }

    /// Like [`DAL::transaction`], but runs the closure again if the transaction is known not to be committed and
    /// the cause may pass ([`Error::is_transient`]), with growing pauses, within the deadline.
    ///
    /// The closure may run several times, so what it does outside the transaction must bear that, and it cannot
    /// change what it captured: an atomic or a lock can count its tries. Its error
    /// type is this crate's, since another could not be asked whether it is transient.
    ///
    /// # Errors
    ///
    /// As [`DAL::transaction`], from the last try.
    #[expect(
        clippy::manual_async_fn,
        reason = "as an `async fn` its future cannot be proved `Send`: rust-lang/rust#100013"
    )]
    pub fn transaction_with_retry<F, R>(&self, closure: F) -> impl Future<Output = Result<R>> + Send
    where
        F: for<'r, 'c> RetryClosure<&'r mut Tx<'c>, Result<R>, Future: Send> + Send,
        R: Send,
    {
        async move { self.run_with_retry(Extent::Closure, closure).await }
    }

    /// The same, also for an operation: a closure that takes no connection out of its transaction.
    #[expect(
        clippy::manual_async_fn,
        reason = "as an `async fn` its future cannot be proved `Send`: rust-lang/rust#100013"
    )]
    pub(crate) fn run_with_retry<F, R>(
        &self,
        extent: Extent,
        mut closure: F,
    ) -> impl Future<Output = Result<R>> + Send
    where
        F: for<'r, 'c> RetryClosure<&'r mut Tx<'c>, Result<R>, Future: Send> + Send,
        R: Send,
    {
        async move {
            let deadline = self.deadline();
            let mut tries = 1;
            loop {
                let mut lease = match self.open(extent, deadline).await {
                    Ok(lease) => lease,
                    Err(error) if pause_before_retry(&error, &mut tries, deadline).await => {
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let mut tx = Tx::new(lease.connection(), self.0.context.clone());
                if extent == Extent::Operation {
                    tx.connection.begins_with_first();
                    tx.connection.ends_with_last(&self.0.context.faults);
                }
                let result = timeout_at(deadline, closure(&mut tx)).await;
                let mut end = End::of(tx);
                if let Ok(Err(error)) = &result {
                    end.may_be_read_only |= error.is_read_only();
                }
                match self.close(lease, end, result, deadline).await {
                    Err(error) if pause_before_retry(&error, &mut tries, deadline).await => {}
                    result => return result,
                }
            }
        }
    }

    /// When a transaction that begins now has to be done.
    fn deadline(&self) -> Instant {
        Instant::now() + self.0.context.settings.deadline
    }

    /// Takes a connection and begins, if it is to be now.
    async fn open(&self, extent: Extent, deadline: Instant) -> Result<Lease> {
        let opened = async {
            let mut lease = self
                .0
                .pool
                .writer(self.0.context.settings.acquire_timeout)
                .await?;
            self.0.context.faults.reach("begin")?;
            if extent == Extent::Closure {
                lease.connection().begin().await?;
            }
            Ok(lease)
        };
        timeout_at(deadline, opened)
            .await
            .map_err(|_| self.too_late())?
    }

    /// Commits or rolls back. Whatever the connection's state is not known after, the lease closes it.
    async fn close<R, E: From<Error>>(
        &self,
        mut lease: Lease,
        end: End,
        result: Result<Result<R, E>, Elapsed>,
        deadline: Instant,
    ) -> Result<R, E> {
        // A pool of the program's own sets its connections up as it likes, which nobody else could do again.
        let put_back = end.lent && self.0.target.is_some();
        if end.reached == Reached::Nothing {
            lease.give_back();
            return result.unwrap_or_else(|_| Err(self.too_late().into()));
        }
        if end.ended != Ended::No {
            return self.ended(lease, &end, result);
        }
        let refusal = match (result, end.committable) {
            (Err(Elapsed { .. }), _) => return Err(self.too_late().into()),
            (Ok(Ok(value)), Ok(())) => {
                let committed = self.commit(lease, put_back, end.witness, deadline).await;
                // Said also of what may be committed: who looks in vain has lost little.
                if matches!(committed, Ok(()) | Err(Error::CommitUnknown { .. })) {
                    self.announce_any(end.ready_in);
                }
                committed?;
                return Ok(value);
            }
            (Ok(Ok(_)), Err(refusal)) => refusal.into(),
            (Ok(Err(error)), _) => error,
        };
        // A connection whose statement may still be running is closed, which rolls back without waiting for it.
        if end.reached == Reached::Answers
            && let Ok(Ok(takes_writes)) = timeout(
                ROLLBACK_TIMEOUT,
                roll_back(&mut lease, put_back, end.may_be_read_only),
            )
            .await
        {
            if takes_writes {
                lease.give_back();
            } else {
                lease.close_all();
            }
        }
        Err(refusal)
    }

    /// What is left to do where the last statement committed.
    fn ended<R, E: From<Error>>(
        &self,
        lease: Lease,
        end: &End,
        result: Result<Result<R, E>, Elapsed>,
    ) -> Result<R, E> {
        self.announce_any(end.ready_in);
        let unknown = |why| {
            let source = unanswered(why);
            E::from(Error::CommitUnknown { source })
        };
        match result {
            Ok(result) if end.ended == Ended::Committed => {
                lease.give_back();
                result
            }
            Ok(_) => Err(unknown("the connection's thread ended during COMMIT")),
            // Also where the answer to a COMMIT that is done came too late.
            Err(Elapsed { .. }) => Err(unknown(TOO_LATE)),
        }
    }

    fn announce_any(&self, ready_in: Option<Duration>) {
        if let Some(delay) = ready_in {
            self.announce_in(delay);
        }
    }

    async fn commit(
        &self,
        mut lease: Lease,
        put_back: bool,
        witness: Option<Witness>,
        deadline: Instant,
    ) -> Result<()> {
        self.0.context.faults.reach("commit")?;
        let source = match timeout_at(deadline, lease.connection().commit(put_back)).await {
            Ok(Ok(is_clean)) => {
                if is_clean {
                    lease.give_back();
                }
                return Ok(());
            }
            Ok(Err(CommitError::NotCommitted(error))) => return Err(error),
            Ok(Err(CommitError::Unknown(source))) => source,
            Err(Elapsed { .. }) => unanswered(TOO_LATE),
        };
        drop(lease);
        self.0.pool.resolve(witness, source).await
    }

    pub(crate) fn too_late(&self) -> Error {
        Error::DeadlineExceeded {
            deadline: self.0.context.settings.deadline,
        }
    }
}

const TOO_LATE: &str = "no answer within the deadline";

/// Why it is not known whether a COMMIT was carried out.
fn unanswered(why: &str) -> diesel::result::Error {
    diesel::result::Error::DatabaseError(
        diesel::result::DatabaseErrorKind::UnableToSendCommand,
        Box::new(why.to_owned()),
    )
}

/// Answers whether the connection takes writes, if it is to be asked.
async fn roll_back(lease: &mut Lease, put_back: bool, ask: bool) -> Result<bool> {
    lease.connection().roll_back(put_back).await?;
    if ask {
        return lease.connection().takes_writes().await;
    }
    Ok(true)
}

#[cfg(all(test, feature = "postgres", feature = "sqlite"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::{sync::Arc, time::Duration};

    use diesel_async::RunQueryDsl;
    use taskbox_test_support::TestDatabase;

    use crate::{
        DAL, Error,
        dal::{Inner, Settings},
    };

    taskbox_test_support::suite! {
        both: [the_wait_for_a_connection_is_within_the_deadline],
        postgres: [a_query_that_waits_for_a_lock_is_within_the_deadline],
    }

    /// A `DAL` on the same pool that would wait for a connection far longer than its calls may take.
    fn hasty(dal: &DAL) -> DAL {
        let settings = Settings {
            acquire_timeout: Duration::from_hours(1),
            deadline: Duration::from_secs(2),
            ..Settings::default()
        };
        DAL(Arc::new(Inner::new(dal.0.pool.clone(), settings)))
    }

    async fn the_wait_for_a_connection_is_within_the_deadline(db: &TestDatabase) {
        let dal = DAL::builder(db.url()).pool_size(1).connect().await.unwrap();
        let hasty = hasty(&dal);
        dal.transaction(async |_tx| {
            let answer = hasty.transaction(async |_tx| Ok::<_, Error>(())).await;
            assert!(
                matches!(answer, Err(Error::DeadlineExceeded { .. })),
                "{answer:?}"
            );
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
        hasty
            .transaction(async |_tx| Ok::<_, Error>(()))
            .await
            .unwrap();
    }

    async fn a_query_that_waits_for_a_lock_is_within_the_deadline(db: &TestDatabase) {
        let dal = DAL::connect(db.url()).await.unwrap();
        let hasty = hasty(&dal);
        dal.transaction(async |tx| {
            diesel::sql_query("LOCK TABLE task_outbox")
                .execute(tx.postgres()?)
                .await?;
            let answer = hasty.task_outbox().count_pending().await;
            assert!(
                matches!(answer, Err(Error::DeadlineExceeded { .. })),
                "{answer:?}"
            );
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
        assert_eq!(hasty.task_outbox().count_pending().await.unwrap(), 0);
    }
}
