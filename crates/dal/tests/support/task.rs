//! A task, and where it is.

use taskbox_dal::DAL;
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::canary::PAYLOAD;
use uuid::Uuid;

pub(crate) async fn create(dal: &DAL) -> Uuid {
    let task = NewTaskExecution::standalone("ship").input(PAYLOAD);
    dal.task_execution().create(task).await.unwrap().id
}

pub(crate) async fn status(dal: &DAL, task: Uuid) -> TaskStatus {
    dal.task_execution().get(task).await.unwrap().status
}
