use std::{error, fmt};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::TaskStatus;

/// A task that was not where a transition starts from. Nothing was written for it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The task.
    pub task: Uuid,
    /// Where the transition starts from; empty if it asked for something that must not be there yet.
    pub expected: Vec<TaskStatus>,
    /// Where the task was; `None` if there is no such task.
    pub found: Option<TaskStatus>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected: Vec<_> = self.expected.iter().map(|status| status.as_str()).collect();
        match self.found {
            None => write!(f, "there is no task {}", self.task),
            Some(found) if expected.is_empty() => {
                write!(f, "task {} is already there, and is {found}", self.task)
            }
            Some(TaskStatus::Running) if self.expected.contains(&TaskStatus::Running) => {
                write!(f, "task {} is Running by another claim", self.task)
            }
            Some(found) if self.expected.contains(&found) => {
                write!(f, "task {} waits for its dependencies", self.task)
            }
            Some(found) => write!(
                f,
                "task {} is {found}, expected {}",
                self.task,
                expected.join(" or ")
            ),
        }
    }
}

impl error::Error for Conflict {}
