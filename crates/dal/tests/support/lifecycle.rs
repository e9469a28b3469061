//! Tasks in every status.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::canary::PAYLOAD;
use uuid::Uuid;

use super::run::run;

/// Makes a task and brings it to a status.
pub(crate) async fn task_in(dal: &DAL, pipeline: Option<Uuid>, status: TaskStatus) -> Uuid {
    let id = Uuid::now_v7();
    let mut new = NewTaskExecution::standalone("a").id(id).input(PAYLOAD);
    new.pipeline_execution_id = pipeline;
    match status {
        TaskStatus::Running | TaskStatus::Completed | TaskStatus::Failed => {
            let (_, claim) = run(dal, new).await;
            let tasks = dal.task_execution();
            match status {
                TaskStatus::Completed => tasks.complete(&claim, None).await.unwrap(),
                TaskStatus::Failed => tasks.fail(&claim, PAYLOAD).await.unwrap(),
                _ => {}
            }
        }
        _ => {
            dal.task_execution().create(new).await.unwrap();
            bring_to(dal, id, status).await;
        }
    }
    id
}

/// Without a worker.
async fn bring_to(dal: &DAL, task: Uuid, status: TaskStatus) {
    let tasks = dal.task_execution();
    match status {
        TaskStatus::Scheduled => tasks.schedule(task, Duration::from_hours(1)).await,
        TaskStatus::Ready => tasks.mark_ready(task).await,
        TaskStatus::Skipped => tasks.skip(task, PAYLOAD).await,
        TaskStatus::Cancelled => tasks.cancel(task).await,
        _ => Ok(()),
    }
    .unwrap();
}
