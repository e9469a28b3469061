//! What to do with the id of a pipeline where a task's is expected, and the other way round.

use taskbox_dal::{DAL, Error as Dal};

use crate::{Error, Result};

/// The answer; if it is that there is no such thing, since the id is that of the other, this command is named, which
/// takes it.
pub(crate) async fn or_take<T>(dal: &DAL, answer: Result<T>, command: &str) -> Result<T> {
    let Err(Error::Dal(Dal::NotFound { what, id })) = answer else {
        return answer;
    };
    let (found, other) = match what {
        "task" => (dal.pipeline_execution().get(id).await.map(drop), "pipeline"),
        _ => (dal.task_execution().get(id).await.map(drop), "task"),
    };
    match found {
        Ok(()) => Err(Error::Refused(format!(
            "{id} is a {other}, and no {what}; run `taskbox {command} {id}`"
        ))),
        Err(Dal::NotFound { .. }) => answer,
        Err(error) => Err(error.into()),
    }
}
