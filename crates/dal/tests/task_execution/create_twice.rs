//! Making one task twice at once.

use taskbox_dal::{Error, Result};
use taskbox_models::{Conflict, NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use tokio::sync::oneshot;
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
        db.until_blocked(1).await;
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
