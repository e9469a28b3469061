//! What the tests have in common.

pub(crate) mod deaf;
pub(crate) mod ledger;
pub(crate) mod process;
pub(crate) mod warnings;

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_executor::{Executor, ExecutorBuilder};
use taskbox_models::{ExecutionEvent, NewTaskExecution, TaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

/// Longer than any test: what takes its turn only after that takes none.
pub(crate) const NEVER: Duration = Duration::from_hours(1);

pub(crate) async fn connect(db: &TestDatabase) -> DAL {
    DAL::connect(db.url()).await.unwrap()
}

/// With a lease that is over soon.
pub(crate) async fn connect_hasty(db: &TestDatabase, lease: Duration) -> DAL {
    DAL::builder(db.url()).lease(lease).connect().await.unwrap()
}

/// An executor that looks for tasks all the time.
pub(crate) fn builder(dal: &DAL) -> ExecutorBuilder {
    Executor::builder(dal.clone()).poll_interval(Duration::from_millis(5))
}

/// A task of its own that is ready.
pub(crate) async fn ready(dal: &DAL, new: NewTaskExecution) -> Uuid {
    let task = dal.task_execution().create(new).await.unwrap();
    dal.task_execution().mark_ready(task.id).await.unwrap();
    task.id
}

pub(crate) async fn get(dal: &DAL, task: Uuid) -> TaskExecution {
    dal.task_execution().get(task).await.unwrap()
}

/// The task, once it has this status.
pub(crate) async fn until(dal: &DAL, task: Uuid, status: TaskStatus) -> TaskExecution {
    loop {
        let found = get(dal, task).await;
        if found.status == status {
            return found;
        }
        assert!(!found.status.is_terminal(), "{found:?}");
    }
}

/// The task, once it has ended.
pub(crate) async fn ended(dal: &DAL, task: Uuid) -> TaskExecution {
    loop {
        let found = get(dal, task).await;
        if found.status.is_terminal() {
            return found;
        }
    }
}

pub(crate) async fn history(dal: &DAL, task: Uuid) -> Vec<ExecutionEvent> {
    dal.execution_event().list_by_task(task).await.unwrap()
}

/// The names of the task's events, in order.
pub(crate) async fn events(dal: &DAL, task: Uuid) -> Vec<&'static str> {
    let history = history(dal, task).await;
    history
        .iter()
        .map(|event| event.event_type.as_str())
        .collect()
}

/// The errors in the task's history, in order.
pub(crate) async fn errors(dal: &DAL, task: Uuid) -> Vec<String> {
    let history = history(dal, task).await;
    let data = history.into_iter().filter_map(|event| event.event_data);
    data.filter_map(|data| Some(data.get("error")?.as_str()?.to_owned()))
        .collect()
}

/// SQL by which every lease is over.
pub(crate) const EXPIRE: &str = "UPDATE task_workers SET lease_expires_at = registered_at";

/// As after a machine slept: the lease is over, and another has taken everything back.
pub(crate) async fn expire_and_sweep(db: &TestDatabase, other: &DAL) {
    loop {
        db.execute(EXPIRE).await; // its owner may renew it before the sweep
        let swept = other.task_execution().recover_expired(10).await.unwrap();
        if !swept.recovered.is_empty() {
            return;
        }
    }
}
