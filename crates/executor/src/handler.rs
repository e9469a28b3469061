use std::{future::Future, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{TaskContext, TaskError};

/// The code of a task's name, whatever its input and output are. Answers with the output; `None` for nothing.
pub(crate) type Handler =
    Arc<dyn Fn(TaskContext) -> BoxFuture<'static, Result<Option<Value>, TaskError>> + Send + Sync>;

pub(crate) fn erase<F, I, O, Fut>(run: F) -> Handler
where
    F: FnOnce(TaskContext, I) -> Fut + Clone + Send + Sync + 'static,
    I: DeserializeOwned + Send,
    O: Serialize + Send,
    Fut: Future<Output = Result<O, TaskError>> + Send + 'static,
{
    Arc::new(move |context: TaskContext| {
        let run = run.clone();
        async move {
            let input = parse(context.input())?;
            let output = run(context, input).await?;
            to_value(&output)
        }
        .boxed()
    })
}

/// What does not parse never will: another attempt would be in vain.
fn parse<I: DeserializeOwned>(input: Option<&Value>) -> Result<I, TaskError> {
    I::deserialize(input.unwrap_or(&Value::Null)).map_err(|error| {
        TaskError::fail(format!("its input is not what the handler takes: {error}"))
    })
}

/// The output as it is kept; `None` for `()` and the like.
pub(crate) fn to_value(output: &impl Serialize) -> Result<Option<Value>, TaskError> {
    match serde_json::to_value(output) {
        Ok(Value::Null) => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(TaskError::fail(format!("its output is no JSON: {error}"))),
    }
}
