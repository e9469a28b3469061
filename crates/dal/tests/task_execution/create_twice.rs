//! Making one task twice at once.

use taskbox_dal::{Error, Result};
use taskbox_models::{Conflict, NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use tokio::{sync::oneshot, task::yield_now};
use uuid::Uuid;

use crate::support::connect::connect;

taskbox_test_support::suite! { of_two_that_make_a_task_at_once_one_makes_it }

async fn of_two_that_make_a_task_at_once_one_makes_it(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = Uuid::now_v7();
    let new = NewTaskExecution::standalone("a").id(id);
    let (begun, first_begun) = oneshot::channel();
    let first = dal.transaction(async |tx| {
        let made = tx.task_execution().create(new.clone()).await?;
        begun.send(()).unwrap();
        until_the_other_waits(db).await;
        Ok::<_, Error>(made)
    });
    let second = async {
        first_begun.await.unwrap();
        dal.task_execution().create(new.clone()).await
    };
    let (first, second): (Result<_>, Result<_>) = tokio::join!(first, second);
    assert_eq!(first.unwrap().id, id);
    let Err(Error::Conflict(conflict)) = second else {
        panic!("a conflict, not {second:?}");
    };
    let expected = Conflict {
        task: id,
        expected: Vec::new(),
        found: Some(TaskStatus::NotStarted),
    };
    assert_eq!(conflict, expected);
}

/// For the transaction that has the id in its index; on `SQLite` the other waits before it looks.
async fn until_the_other_waits(db: &TestDatabase) {
    while db.backend() == Backend::Postgres && db.count_blocked().await == 0 {
        yield_now().await;
    }
}
