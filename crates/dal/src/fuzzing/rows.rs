use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};
use taskbox_models::{
    Conflict, EventType, ExecutionEvent, PipelineExecution, PipelineStatus, RunWhen, TaskClaim,
    TaskDependency, TaskExecution, TaskOutbox, TaskSchedule, TaskStatus, TraceContext, Worker,
};

const ROWS: [fn(&[u8]); 14] = [
    reads_back::<TaskExecution>,
    reads_back::<PipelineExecution>,
    reads_back::<ExecutionEvent>,
    reads_back::<TaskOutbox>,
    reads_back::<TaskSchedule>,
    reads_back::<TaskClaim>,
    reads_back::<TaskDependency>,
    reads_back::<Worker>,
    reads_back::<Conflict>,
    reads_back::<TraceContext>,
    reads_back::<TaskStatus>,
    reads_back::<PipelineStatus>,
    reads_back::<RunWhen>,
    reads_back::<EventType>,
];

/// A row that was read as JSON is the same when it is written and read again. The first byte says of which table.
pub fn rows(input: &[u8]) {
    if let Some((&row, json)) = input.split_first() {
        ROWS[usize::from(row) % ROWS.len()](json);
    }
}

fn reads_back<T: Debug + DeserializeOwned + PartialEq + Serialize>(json: &[u8]) {
    let Ok(row) = serde_json::from_slice::<T>(json) else {
        return;
    };
    let written = serde_json::to_string(&row).unwrap();
    let read: T = serde_json::from_str(&written).unwrap();
    assert_eq!(read, row, "{written}");
}
