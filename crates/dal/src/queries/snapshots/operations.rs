//! The operations that have a snapshot.

use std::{collections::BTreeSet, fs};

use taskbox_test_support::Backend;

/// The second statement of a transition, which only Postgres may need.
pub(super) const SWEEP: &str = "sweep";

pub(super) const OPERATIONS: [&str; 68] = [
    "cancel",
    "claim",
    "claim_due",
    "claim_from",
    "complete",
    "complete_many",
    "create",
    "create_after",
    "defer",
    "deregister",
    "doctor_broken",
    "doctor_database",
    "doctor_mend",
    "doctor_work",
    "event_count_older_than",
    "event_count_prunable",
    "event_count_recent",
    "event_count_recent_common",
    "event_delete_older_than",
    "event_get_recent",
    "event_list_by_pipeline",
    "event_list_by_task",
    "event_list_by_type",
    "event_prune",
    "event_read_after",
    "event_read_latest",
    "fail",
    "heartbeat",
    "mark_ready",
    "mark_ready_one",
    "outbox_count_pending",
    "outbox_create",
    "outbox_delete",
    "outbox_delete_by_task",
    "outbox_delete_older_than",
    "outbox_depths",
    "outbox_list_pending",
    "pipeline_cancel",
    "pipeline_create",
    "pipeline_get",
    "pipeline_list",
    "pipeline_list_recent",
    "pipeline_pause",
    "pipeline_resume",
    "recover",
    "redrive",
    "redrive_with_dependents",
    "register",
    "release",
    "schedule",
    "schedule_retry",
    "schedule_retry_many",
    "skip",
    "stored_text",
    SWEEP,
    "task_count_by_status",
    "task_count_live",
    "task_dependencies",
    "task_dependency_outputs",
    "task_get",
    "task_list",
    "task_list_by_pipeline",
    "task_list_by_pipeline_filtered",
    "task_list_by_status",
    "task_list_failed",
    "task_list_ready",
    "task_next_due",
    "worker_list",
];

#[test]
fn no_snapshot_is_left_of_an_operation_that_is_gone() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/queries/snapshots");
    let found: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "snap")
        })
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    let mut expected = BTreeSet::new();
    for operation in OPERATIONS {
        expected.insert(format!("{operation}.{}.snap", Backend::Postgres));
        if operation != SWEEP {
            expected.insert(format!("{operation}.{}.snap", Backend::Sqlite));
        }
    }
    assert_eq!(found, expected);
}
