//! Tasks that wait for a worker.

use taskbox_dal::DAL;
use taskbox_models::NewTaskExecution;
use uuid::Uuid;

pub(crate) async fn ready(dal: &DAL, new: NewTaskExecution) -> Uuid {
    let task = dal.task_execution().create(new).await.unwrap();
    dal.task_execution().mark_ready(task.id).await.unwrap();
    task.id
}
