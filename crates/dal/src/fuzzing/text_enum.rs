use std::{fmt::Display, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};
use taskbox_models::{EventType, PipelineStatus, RunWhen, TaskStatus, UnknownText};

/// A text is read as a status and the like by `FromStr` and from JSON alike; any other is refused by name.
pub fn text_enum(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    reads::<TaskStatus>(text, "task_executions.status");
    reads::<PipelineStatus>(text, "pipeline_executions.status");
    reads::<RunWhen>(text, "task_executions.run_when");
    reads::<EventType>(text, "execution_events.event_type");
}

fn reads<T>(text: &str, place: &str)
where
    T: DeserializeOwned + Display + FromStr<Err = UnknownText> + Serialize,
{
    let json = serde_json::to_string(text).unwrap();
    let from_json = serde_json::from_str::<T>(&json);
    match text.parse::<T>() {
        Ok(value) => {
            assert_eq!(value.to_string(), text);
            assert_eq!(serde_json::to_string(&from_json.unwrap()).unwrap(), json);
        }
        Err(UnknownText { column, found, .. }) => {
            assert_eq!((column, found.as_str()), (place, text));
            assert!(from_json.is_err());
        }
    }
}
