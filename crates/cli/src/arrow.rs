use serde::Serialize;
use taskbox_dal::Dependency;
use taskbox_models::TaskStatus;
use uuid::Uuid;

/// That one task waits for another, as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Arrow {
    pub(crate) task_execution_id: Uuid,
    pub(crate) dependency_id: Uuid,
    /// Of the one that is waited for.
    pub(crate) task_name: String,
    /// Of the one that is waited for.
    pub(crate) status: TaskStatus,
}

impl From<Dependency> for Arrow {
    fn from(dependency: Dependency) -> Self {
        Self {
            task_execution_id: dependency.task_execution_id,
            dependency_id: dependency.dependency_id,
            task_name: dependency.task_name,
            status: dependency.status,
        }
    }
}
