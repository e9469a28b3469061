//! P9: every transition writes exactly one event, so a history is a walk from the making to the status.

use taskbox_test_support::{TestDatabase, suite};

use super::assert_named;

suite! {
    a_task_without_a_history,
    a_task_whose_making_is_not_told,
    a_task_whose_last_transition_is_not_told,
    a_task_with_a_transition_left_out,
    a_task_with_a_transition_told_twice,
    an_event_of_no_task,
    an_event_of_another_pipeline,
    an_event_of_a_pipeline_for_a_task_of_none,
    a_pipeline_without_a_history,
    a_pipeline_whose_making_is_not_told,
    a_pipeline_whose_last_transition_is_not_told,
    a_pipeline_with_a_transition_left_out,
    a_pipeline_that_started_twice,
    a_task_event_that_names_no_task,
    an_event_of_no_pipeline,
}

const BEGINNING: &str = "a history that does not begin with task_created";
const GAP: &str = "an event that cannot follow the one before it";
const SUBJECT: &str =
    "an event of a task that does not exist, or of another pipeline than its task";
const PIPELINE_BEGINNING: &str = "a history that does not begin with pipeline_created";
const PIPELINE_GAP: &str = "a pipeline event that cannot follow the one before it";

async fn a_task_without_a_history(db: &TestDatabase) {
    let sql = "DELETE FROM execution_events WHERE task_execution_id = @ready";
    assert_named(db, sql, BEGINNING, "@ready").await;
}

async fn a_task_whose_making_is_not_told(db: &TestDatabase) {
    let sql = "DELETE FROM execution_events WHERE event_type = 'task_created'";
    assert_named(db, sql, BEGINNING, "@ready").await;
}

async fn a_task_whose_last_transition_is_not_told(db: &TestDatabase) {
    let sql = "DELETE FROM execution_events WHERE event_type = 'task_failed'";
    let rule = "a status that is not where the last event leads";
    assert_named(db, sql, rule, "@failed").await;
}

async fn a_task_with_a_transition_left_out(db: &TestDatabase) {
    let sql = "DELETE FROM execution_events WHERE event_type = 'task_released'";
    assert_named(db, sql, GAP, "@running").await;
}

async fn a_task_with_a_transition_told_twice(db: &TestDatabase) {
    let sql = "INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)
SELECT pipeline_execution_id, task_execution_id, event_type FROM execution_events
WHERE event_type = 'task_marked_ready' AND task_execution_id = @ready";
    assert_named(db, sql, GAP, "@ready").await;
}

async fn an_event_of_no_task(db: &TestDatabase) {
    let sql = "INSERT INTO execution_events (task_execution_id, event_type) VALUES (@nobody, 'task_created')";
    assert_named(db, sql, SUBJECT, "@nobody").await;
}

async fn an_event_of_another_pipeline(db: &TestDatabase) {
    let sql = "UPDATE execution_events SET pipeline_execution_id = @pipeline_empty
WHERE task_execution_id = @ready AND event_type = 'task_marked_ready'";
    assert_named(db, sql, SUBJECT, "@ready").await;
}

async fn an_event_of_a_pipeline_for_a_task_of_none(db: &TestDatabase) {
    let sql = "UPDATE execution_events SET pipeline_execution_id = @pipeline_empty
WHERE task_execution_id = @redriven AND event_type = 'task_redriven'";
    assert_named(db, sql, SUBJECT, "@redriven").await;
}

async fn a_pipeline_without_a_history(db: &TestDatabase) {
    let sql = "DELETE FROM execution_events WHERE pipeline_execution_id = @pipeline_empty";
    assert_named(db, sql, PIPELINE_BEGINNING, "@pipeline_empty").await;
}

async fn a_pipeline_whose_making_is_not_told(db: &TestDatabase) {
    let sql = "DELETE FROM execution_events WHERE event_type = 'pipeline_created'";
    assert_named(db, sql, PIPELINE_BEGINNING, "@pipeline_running").await;
}

async fn a_pipeline_whose_last_transition_is_not_told(db: &TestDatabase) {
    let sql = "DELETE FROM execution_events WHERE event_type = 'pipeline_paused'";
    let rule = "a pipeline whose status is not where its last event leads";
    assert_named(db, sql, rule, "@pipeline_paused").await;
}

async fn a_pipeline_with_a_transition_left_out(db: &TestDatabase) {
    let sql = "DELETE FROM execution_events WHERE event_type = 'pipeline_started'";
    assert_named(db, sql, PIPELINE_GAP, "@pipeline_failed").await;
}

async fn a_pipeline_that_started_twice(db: &TestDatabase) {
    let sql = "INSERT INTO execution_events (pipeline_execution_id, event_type)
VALUES (@pipeline_running, 'pipeline_started')";
    assert_named(db, sql, PIPELINE_GAP, "@pipeline_running").await;
}

async fn a_task_event_that_names_no_task(db: &TestDatabase) {
    let sql = "UPDATE execution_events SET task_execution_id = NULL
WHERE task_execution_id = @completed AND event_type = 'task_completed'";
    assert_named(db, sql, PIPELINE_GAP, "@pipeline_running").await;
}

async fn an_event_of_no_pipeline(db: &TestDatabase) {
    let sql = "INSERT INTO execution_events (pipeline_execution_id, event_type)
VALUES (@nobody, 'pipeline_created')";
    let rule = "an event of a pipeline that does not exist";
    assert_named(db, sql, rule, "@nobody").await;
}
