//! A transaction of a program, with writes of its own.

use taskbox_dal::{DAL, Result, Tx};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    broken_off::drop_everywhere,
    support::{one_thread::on_one_thread, orders, prepared::Operation},
};

taskbox_test_support::suite! {
    a_transaction_can_be_dropped,
    a_transaction_can_be_dropped_on_one_thread,
}

/// Writes an order for a task that it makes ready.
#[derive(Clone, Copy, Debug)]
struct Order;

impl Operation for Order {
    type Subject = Uuid;

    async fn prepare(self, _db: &TestDatabase, dal: &DAL) -> Uuid {
        let task = NewTaskExecution::standalone("ship");
        dal.task_execution().create(task).await.unwrap().id
    }

    async fn on(self, dal: &DAL, task: &Uuid) -> Result<()> {
        dal.transaction(async |tx| self.within(tx, task).await)
            .await
    }

    async fn within(self, tx: &mut Tx<'_>, task: &Uuid) -> Result<()> {
        orders::insert(tx).await?;
        tx.task_execution().mark_ready(*task).await
    }
}

async fn a_transaction_can_be_dropped(db: &TestDatabase) {
    orders::create_table(db).await;
    drop_everywhere(db, Order).await;
    assert_an_order_for_each_ready_task(db).await;
}

async fn a_transaction_can_be_dropped_on_one_thread(db: &TestDatabase) {
    orders::create_table(db).await;
    on_one_thread(drop_everywhere(db, Order));
    assert_an_order_for_each_ready_task(db).await;
}

async fn assert_an_order_for_each_ready_task(db: &TestDatabase) {
    let ready = "SELECT count(*) FROM task_executions WHERE status = 'Ready'";
    assert_eq!(orders::count(db).await, db.query_i64(ready).await);
}
