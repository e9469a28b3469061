//! Taking tasks back from workers that have died.

use taskbox_models::{TaskStatus, Transition};
use uuid::Uuid;

use super::TaskExecutionDAL;
use crate::{
    Door, Result, Tx,
    queries::{
        transition::{Change, Source, apply},
        worker,
    },
    validate,
};

/// What was taken back from workers whose lease had expired.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The tasks that are ready again.
    pub recovered: Vec<Uuid>,
    /// The tasks that failed, since their workers had died as often as is allowed.
    pub abandoned: Vec<Uuid>,
}

impl<D: Door> TaskExecutionDAL<D> {
    /// Takes tasks back from workers whose lease has expired, `limit` at the most, and forgets such workers once they
    /// hold nothing. Both lists are empty if there is nothing to take back.
    ///
    /// A task is ready again, unless it was taken back as often as the `DAL` allows (3 times if nothing else is set,
    /// see `max_recoveries` of its builder): then it has failed. Tasks that another transaction holds at this moment
    /// are passed over, so anyone may do this at any time, as often as they like.
    ///
    /// ```
    /// use taskbox_dal::{DAL, Result};
    /// # use taskbox_models::{NewTaskExecution, TaskStatus};
    ///
    /// /// What a worker does now and then, or any other program.
    /// async fn sweep(dal: &DAL) -> Result<()> {
    ///     let swept = dal.task_execution().recover_expired(100).await?;
    ///     for task in swept.abandoned {
    ///         println!("task {task} has failed: its workers died too often");
    ///     }
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     let dal = DAL::connect(db.url()).await.unwrap();
    /// #     let task = dal.task_execution().create(NewTaskExecution::standalone("t")).await.unwrap().id;
    /// #     dal.task_execution().mark_ready(task).await.unwrap();
    /// #     let worker = dal.worker().register("host-1").await.unwrap();
    /// #     assert_eq!(dal.task_execution().claim(&worker, 1).await.unwrap().len(), 1);
    /// #     sweep(&dal).await.unwrap();
    /// #     assert_eq!(dal.task_execution().get(task).await.unwrap().status, TaskStatus::Running);
    /// #     db.execute("UPDATE task_workers SET lease_expires_at = registered_at").await;
    /// #     sweep(&dal).await.unwrap();
    /// #     assert_eq!(dal.task_execution().get(task).await.unwrap().status, TaskStatus::Ready);
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the limit is negative.
    pub async fn recover_expired(self, limit: i64) -> Result<Recovered> {
        validate::limit(limit)?;
        let rule = Transition::Recover.rule();
        self.door
            .write(rule.name, async |tx: &mut Tx<'_>| {
                let max_recoveries = tx.context.settings.max_recoveries.into();
                let source = Source::Expired {
                    limit,
                    max_recoveries,
                };
                let outcomes = apply(tx, Change { rule, source }).await?;
                tx.context.faults.reach("recover: workers")?;
                worker::forget_expired(&mut tx.connection, limit).await?;
                let went = |to: TaskStatus| {
                    let went = outcomes.iter().filter(|outcome| outcome.to == Some(to));
                    went.map(|outcome| outcome.task).collect()
                };
                Ok(Recovered {
                    recovered: went(TaskStatus::Ready),
                    abandoned: went(TaskStatus::Failed),
                })
            })
            .await
    }
}
