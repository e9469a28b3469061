//! The rows as JSON: what a program sends on reads back as it was.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::HashMap, fmt::Debug};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use taskbox_models::{
    Conflict, EventType, ExecutionEvent, PipelineExecution, PipelineStatus, RunWhen, TaskClaim,
    TaskDependency, TaskExecution, TaskOutbox, TaskSchedule, TaskStatus, Worker,
};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0001);
const OTHER: Uuid = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0002);

/// With a fraction, to the microsecond.
fn time() -> DateTime<Utc> {
    "2026-11-23T12:34:56.000789Z".parse().unwrap()
}

fn reads_back<T: Debug + DeserializeOwned + PartialEq + Serialize>(row: &T) -> Value {
    let json = serde_json::to_string(row).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), row);
    serde_json::from_str(&json).unwrap()
}

fn task() -> TaskExecution {
    TaskExecution {
        id: ID,
        pipeline_execution_id: Some(OTHER),
        task_name: "fetch \"π\"\n".to_owned(),
        queue: "default".to_owned(),
        priority: i32::MIN,
        status: TaskStatus::NotStarted,
        run_when: RunWhen::AllDone,
        open_dependencies: 2,
        attempt: 1,
        max_attempts: 5,
        recoveries: 3,
        epoch: i64::MAX,
        input: Some(json!({"float": 0.1 + 0.2, "large": u64::MAX, "nested": [null, {"a": ""}]})),
        output: None,
        created_at: time(),
        updated_at: time(),
        trace_context: Some(HashMap::from([("traceparent".to_owned(), "00-1".to_owned())]).into()),
    }
}

#[test]
fn a_task_reads_back() {
    let json = reads_back(&task());
    assert_eq!(json["status"], "NotStarted");
    assert_eq!(json["run_when"], "AllDone");
    assert_eq!(json["id"], "01980000-0000-7000-8000-000000000001");
    assert_eq!(json["created_at"], "2026-11-23T12:34:56.000789Z");
    reads_back(&TaskExecution {
        pipeline_execution_id: None,
        input: None,
        output: Some(json!("done")),
        ..task()
    });
}

#[test]
fn a_pipeline_reads_back() {
    let json = reads_back(&PipelineExecution {
        id: ID,
        name: "import".to_owned(),
        status: PipelineStatus::Paused,
        open_tasks: 3,
        failed_tasks: 2,
        cancelled_tasks: 1,
        pause_reason: Some("maintenance".to_owned()),
        created_at: time(),
        updated_at: time(),
    });
    assert_eq!(json["status"], "Paused");
}

#[test]
fn an_event_reads_back() {
    let event = ExecutionEvent {
        id: 7,
        pipeline_execution_id: Some(ID),
        task_execution_id: Some(OTHER),
        event_type: EventType::TaskRetryScheduled,
        event_data: Some(json!({"error": "no route", "attempt": 2})),
        created_at: time(),
        transaction_id: i64::MAX,
    };
    let json = reads_back(&event);
    assert_eq!(json["event_type"], "task_retry_scheduled");
    reads_back(&ExecutionEvent {
        task_execution_id: None,
        event_data: None,
        ..event
    });
}

#[test]
fn the_rows_of_the_live_tables_read_back() {
    reads_back(&TaskOutbox {
        id: i64::MAX,
        task_execution_id: ID,
        created_at: time(),
    });
    reads_back(&TaskSchedule {
        task_execution_id: ID,
        due_at: time(),
    });
    reads_back(&TaskClaim {
        task_execution_id: ID,
        worker_id: OTHER,
        epoch: 4,
        claimed_at: time(),
    });
}

#[test]
fn a_dependency_and_a_worker_read_back() {
    reads_back(&TaskDependency {
        task_execution_id: ID,
        dependency_id: OTHER,
    });
    reads_back(&Worker {
        id: ID,
        name: "host-1".to_owned(),
        registered_at: time(),
        heartbeat_at: time(),
        lease_expires_at: time(),
    });
}

#[test]
fn a_conflict_reads_back() {
    reads_back(&Conflict {
        task: ID,
        expected: vec![TaskStatus::NotStarted, TaskStatus::Scheduled],
        found: Some(TaskStatus::Ready),
    });
    reads_back(&Conflict {
        task: ID,
        expected: Vec::new(),
        found: None,
    });
}

#[test]
fn a_conflict_says_what_was_expected_and_what_was_found() {
    let says = |expected: &[TaskStatus], found| {
        Conflict {
            task: ID,
            expected: expected.to_vec(),
            found,
        }
        .to_string()
    };
    assert_eq!(
        says(
            &[TaskStatus::NotStarted, TaskStatus::Scheduled],
            Some(TaskStatus::Ready)
        ),
        format!("task {ID} is Ready, expected NotStarted or Scheduled")
    );
    assert_eq!(
        says(&[], Some(TaskStatus::Ready)),
        format!("task {ID} is already there, and is Ready")
    );
    assert_eq!(
        says(&[TaskStatus::NotStarted], None),
        format!("there is no task {ID}")
    );
}
