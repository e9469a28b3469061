//! A task that runs.

use taskbox_dal::DAL;
use taskbox_models::{Claim, NewTaskExecution, Worker};
use uuid::Uuid;

/// Makes such a task and hands it to a worker of its own. It has a queue of its own, so that whatever else is ready
/// stays where it is.
pub(crate) async fn run(dal: &DAL, new: NewTaskExecution) -> (Worker, Claim) {
    let queue = Uuid::now_v7().to_string();
    let made = dal.task_execution().create(new.queue(&queue)).await;
    let task = made.unwrap().id;
    dal.task_execution().mark_ready(task).await.unwrap();
    let worker = dal.worker().register("w").await.unwrap();
    let mut claims = dal
        .task_execution()
        .claim_from(&worker, &[queue], 2)
        .await
        .unwrap();
    assert_eq!(claims.len(), 1);
    (worker, claims.pop().unwrap())
}
