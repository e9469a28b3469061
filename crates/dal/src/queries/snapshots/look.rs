//! The statements by which people look at the database.

use std::time::Duration;

use taskbox_models::{EventType, PipelineStatus, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use super::{
    super::{recorder::record, stored_text},
    assert_snapshot, connect,
};
use crate::{EventCursor, PipelineFilter, TaskFilter};

taskbox_test_support::suite! {
    what_waits_and_works_is_counted_by_these_statements,
    what_happened_lately_is_counted_by_these_statements,
    lists_with_filters_are_read_by_these_statements,
    the_history_is_followed_by_these_statements,
    rows_that_cannot_be_read_are_found_by_this_statement,
}

async fn what_waits_and_works_is_counted_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let depths = record!(dal, |tx| tx.task_outbox().depths());
    assert_snapshot(db, "outbox_depths", &depths);
    let live = record!(dal, |tx| tx.task_execution().count_live());
    assert_snapshot(db, "task_count_live", &live);
    let workers = record!(dal, |tx| tx.worker().list(1));
    assert_snapshot(db, "worker_list", &workers);
}

async fn what_happened_lately_is_counted_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let hour = Duration::from_hours(1);
    for (name, event) in [
        ("event_count_recent", EventType::TaskFailed),
        ("event_count_recent_common", EventType::TaskCompleted),
    ] {
        let count = record!(dal, |tx| tx.execution_event().count_recent(event, hour, 9));
        assert_snapshot(db, name, &count);
    }
}

async fn lists_with_filters_are_read_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let (id, all) = (Uuid::nil(), TaskFilter::default());
    let by_all = all.clone().queue("mail").task_name("a").before(id);
    for (name, filter) in [
        ("task_list", all.clone()),
        (
            "task_list_by_pipeline_filtered",
            by_all.clone().pipeline(id),
        ),
        ("task_list_ready", by_all.clone().status(TaskStatus::Ready)),
        ("task_list_failed", by_all.status(TaskStatus::Failed)),
    ] {
        let list = record!(dal, |tx| tx.task_execution().list(&filter, 1));
        assert_snapshot(db, name, &list);
    }
    let filter = PipelineFilter::default().status(PipelineStatus::Failed);
    let filter = filter.name("a").before(id);
    let list = record!(dal, |tx| tx.pipeline_execution().list(&filter, 1));
    assert_snapshot(db, "pipeline_list", &list);
    let counts = record!(dal, |tx| tx.task_execution().count_by_status(id));
    assert_snapshot(db, "task_count_by_status", &counts);
    let waits = record!(dal, |tx| tx.task_execution().dependencies(&[id], 1));
    assert_snapshot(db, "task_dependencies", &waits);
}

async fn the_history_is_followed_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let latest = record!(dal, |tx| EventCursor::latest(&mut tx.connection, 1));
    assert_snapshot(db, "event_read_latest", &latest);
    let mut begin = EventCursor::default();
    let after = record!(dal, |tx| begin.advance(&mut tx.connection, 1));
    assert_snapshot(db, "event_read_after", &after);
}

async fn rows_that_cannot_be_read_are_found_by_this_statement(db: &TestDatabase) {
    let dal = connect(db).await;
    let column = "task_executions.status";
    let rows = record!(dal, |tx| {
        stored_text::rows(&mut tx.connection, column, "ready")
    });
    assert_snapshot(db, "stored_text", &rows);
}
