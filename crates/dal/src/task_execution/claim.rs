use std::time::Duration;

use taskbox_models::{Claim, Transition, Worker};

use super::TaskExecutionDAL;
use crate::{
    Door, Error, Result, Tx,
    queries::{
        transition::{self, Change, Pick, Source, apply},
        worker,
    },
    validate,
};

/// How many due tasks one claim makes ready at the most; those beyond are left to the next.
const PROMOTED_AT_ONCE: i64 = 1_000;

impl<D: Door> TaskExecutionDAL<D> {
    /// Takes ready tasks for a worker, `limit` at the most: by priority, then in the order in which they became ready.
    /// Answers with the claims in that order; with none if nothing is ready.
    ///
    /// Scheduled tasks whose time has come are made ready first. Tasks that another transaction holds at this moment, or
    /// whose pipeline is paused, are passed over.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::{Claim, NewTaskExecution};
    ///
    /// async fn take(dal: &DAL) -> Result<()> {
    ///     let newsletter = NewTaskExecution::standalone("newsletter");
    ///     let password = NewTaskExecution::standalone("password").priority(5);
    ///     let tasks = dal.task_execution().create_many(vec![newsletter, password]).await?;
    ///     for task in tasks {
    ///         dal.task_execution().mark_ready(task.id).await?;
    ///     }
    ///
    ///     let worker = dal.worker().register("host-1").await?;
    ///     let claims = dal.task_execution().claim(&worker, 10).await?;
    ///     let names: Vec<_> = claims.iter().map(Claim::task_name).collect();
    ///     assert_eq!(names, ["password", "newsletter"]);
    ///     assert_eq!(dal.task_outbox().count_pending().await?, 0);
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { take(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the limit is negative; [`Error::LeaseLost`] if the worker's lease has expired, or
    /// there is no such worker any more.
    pub async fn claim(self, worker: &Worker, limit: i64) -> Result<Vec<Claim>> {
        self.pick(worker, None, limit).await
    }

    /// Takes ready tasks as [`claim`](Self::claim) does, from these queues alone; none from no queue.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::NewTaskExecution;
    ///
    /// async fn take_mail(dal: &DAL) -> Result<()> {
    ///     for queue in ["mail", "video"] {
    ///         let task = NewTaskExecution::standalone("send").queue(queue);
    ///         let task = dal.task_execution().create(task).await?;
    ///         dal.task_execution().mark_ready(task.id).await?;
    ///     }
    ///     let worker = dal.worker().register("host-1").await?;
    ///     assert_eq!(dal.task_execution().claim_from(&worker, &["mail"], 10).await?.len(), 1);
    ///     assert!(dal.task_execution().claim_from(&worker, &["mail"], 10).await?.is_empty());
    ///     assert_eq!(dal.task_outbox().count_pending().await?, 1);
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { take_mail(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`claim`](Self::claim); [`Error::InvalidInput`] also for a queue's name that no task can have, and for more
    /// than 100 queues.
    pub async fn claim_from(
        self,
        worker: &Worker,
        queues: &[impl AsRef<str> + Sync],
        limit: i64,
    ) -> Result<Vec<Claim>> {
        let queues = validate::queues(queues)?;
        self.pick(worker, Some(&queues), limit).await
    }

    async fn pick(
        self,
        worker: &Worker,
        queues: Option<&[String]>,
        limit: i64,
    ) -> Result<Vec<Claim>> {
        validate::limit(limit)?;
        if limit == 0 || queues.is_some_and(<[String]>::is_empty) {
            return Ok(Vec::new());
        }
        let pick = Pick {
            worker: worker.id,
            limit,
            queues,
            unless_due: true,
        };
        self.door
            .write("claim", async |tx: &mut Tx<'_>| claim(tx, pick).await)
            .await
    }
}

async fn claim(tx: &mut Tx<'_>, mut pick: Pick<'_>) -> Result<Vec<Claim>> {
    let mut promoted = 0;
    loop {
        let claims = transition::claim(tx, pick).await?;
        if promoted > claims.len() {
            tx.is_ready_in(Duration::ZERO); // to others
        }
        if !claims.is_empty() {
            return Ok(claims);
        }
        let state = worker::state(&mut tx.connection, pick.worker).await?;
        if !state.is_live {
            return Err(Error::LeaseLost {
                what: "worker",
                id: pick.worker,
            });
        }
        if !(pick.unless_due && state.is_something_due) {
            return Ok(claims);
        }
        let promotion = Change {
            rule: Transition::MarkReady.rule(),
            source: Source::Due {
                limit: PROMOTED_AT_ONCE,
            },
        };
        promoted = apply(tx, promotion).await?.len();
        pick.unless_due = false;
    }
}
