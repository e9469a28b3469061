//! A future that is dropped at any poll leaves no transaction, no lock and no lost place in the pool behind.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;

use taskbox_dal::{DAL, Result};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

mod support {
    pub(crate) mod left;
    pub(crate) mod one_thread;
    pub(crate) mod orders;
    pub(crate) mod own_sql;
    pub(crate) mod poll;
}

use support::{
    left::assert_nothing_is_left,
    one_thread::on_one_thread,
    orders,
    poll::{Moment, poll_times},
};

taskbox_test_support::suite! {
    mark_ready_can_be_dropped_at_any_poll,
    mark_ready_can_be_dropped_at_any_poll_of_one_thread,
    create_can_be_dropped_at_any_poll,
    create_can_be_dropped_at_any_poll_of_one_thread,
    a_transaction_can_be_dropped_at_any_poll,
    a_transaction_can_be_dropped_at_any_poll_of_one_thread,
}

/// What is dropped, given a task that it may move.
trait Operation<Fut>: Fn(DAL, Uuid) -> Fut + Send + Sync
where
    Fut: Future<Output = Result<()>> + Send,
{
}

impl<F, Fut> Operation<Fut> for F
where
    F: Fn(DAL, Uuid) -> Fut + Send + Sync,
    Fut: Future<Output = Result<()>> + Send,
{
}

async fn mark_ready(dal: DAL, task: Uuid) -> Result<()> {
    dal.task_execution().mark_ready(task).await
}

async fn create(dal: DAL, _task: Uuid) -> Result<()> {
    let task = NewTaskExecution::standalone("ship");
    dal.task_execution().create(task).await.map(drop)
}

/// Writes an order for each task that it makes ready.
async fn transaction(dal: DAL, task: Uuid) -> Result<()> {
    dal.transaction(async |tx| {
        orders::insert(tx).await?;
        tx.task_execution().mark_ready(task).await
    })
    .await
}

async fn mark_ready_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, mark_ready).await;
}

async fn mark_ready_can_be_dropped_at_any_poll_of_one_thread(db: &TestDatabase) {
    on_one_thread(drop_everywhere(db, mark_ready));
}

async fn create_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, create).await;
}

async fn create_can_be_dropped_at_any_poll_of_one_thread(db: &TestDatabase) {
    on_one_thread(drop_everywhere(db, create));
}

async fn a_transaction_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_everywhere(db, transaction).await;
    assert_an_order_for_each_ready_task(db).await;
}

async fn a_transaction_can_be_dropped_at_any_poll_of_one_thread(db: &TestDatabase) {
    on_one_thread(drop_everywhere(db, transaction));
    assert_an_order_for_each_ready_task(db).await;
}

async fn assert_an_order_for_each_ready_task(db: &TestDatabase) {
    let ready = "SELECT count(*) FROM task_executions WHERE status = 'Ready'";
    assert_eq!(orders::count(db).await, db.query_i64(ready).await);
}

/// Drops the operation after 1, 2, 3 … polls until it is done by then, on connections that are cold and on warm ones.
async fn drop_everywhere<Fut>(db: &TestDatabase, operation: impl Operation<Fut>)
where
    Fut: Future<Output = Result<()>> + Send,
{
    orders::create_table(db).await;
    let dal = DAL::builder(db.url()).pool_size(2).connect().await.unwrap();
    for moment in Moment::BOTH {
        // On lucky threads a statement is done at the first poll, and there is nothing to drop.
        while drop_until_done(db, &dal, &operation, moment).await == 0 {}
    }
}

/// Answers how often it was dropped.
async fn drop_until_done<Fut>(
    db: &TestDatabase,
    dal: &DAL,
    operation: &impl Operation<Fut>,
    moment: Moment,
) -> usize
where
    Fut: Future<Output = Result<()>> + Send,
{
    let mut polls = 0;
    loop {
        polls += 1;
        let task = NewTaskExecution::standalone("ship");
        let task = dal.task_execution().create(task).await.unwrap().id;
        let done = poll_times(polls, moment, operation(dal.clone(), task)).await;
        assert_nothing_is_left(db, dal).await;
        if let Some(answer) = done {
            answer.unwrap();
            return polls - 1;
        }
    }
}
