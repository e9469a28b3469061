//! A pipeline's counters count, and its status follows from its tasks.

use taskbox_test_support::{TestDatabase, suite};

use super::assert_named;

suite! {
    a_task_that_is_not_counted_as_open,
    a_failed_task_that_is_not_counted,
    a_cancelled_task_that_is_not_counted,
    an_empty_pipeline_that_has_completed,
    a_pipeline_that_ended_with_an_open_task,
    a_pipeline_that_is_pending_with_a_task_that_started,
    a_pipeline_that_runs_before_its_tasks_do,
    a_pipeline_that_completed_with_a_failure,
    a_pipeline_that_completed_with_a_cancelled_task,
    a_pipeline_that_was_cancelled_without_a_cancelled_task,
    a_reason_for_a_pause_that_is_over,
}

const COUNTERS: &str = "a pipeline whose counters do not count";
const STATUS: &str = "a pipeline whose status does not follow from its tasks";

async fn a_task_that_is_not_counted_as_open(db: &TestDatabase) {
    let sql = "UPDATE pipeline_executions SET open_tasks = 3 WHERE id = @pipeline_running";
    assert_named(db, sql, COUNTERS, "@pipeline_running").await;
}

async fn a_failed_task_that_is_not_counted(db: &TestDatabase) {
    let sql = "UPDATE pipeline_executions SET failed_tasks = 0 WHERE id = @pipeline_failed";
    assert_named(db, sql, COUNTERS, "@pipeline_failed").await;
}

async fn a_cancelled_task_that_is_not_counted(db: &TestDatabase) {
    let sql = "UPDATE pipeline_executions SET cancelled_tasks = 0 WHERE id = @pipeline_failed";
    assert_named(db, sql, COUNTERS, "@pipeline_failed").await;
}

async fn an_empty_pipeline_that_has_completed(db: &TestDatabase) {
    let sql = "UPDATE pipeline_executions SET status = 'Completed' WHERE id = @pipeline_empty";
    assert_named(db, sql, STATUS, "@pipeline_empty").await;
}

async fn a_pipeline_that_ended_with_an_open_task(db: &TestDatabase) {
    let sql = "UPDATE pipeline_executions SET status = 'Completed' WHERE id = @pipeline_running";
    assert_named(db, sql, STATUS, "@pipeline_running").await;
}

async fn a_pipeline_that_is_pending_with_a_task_that_started(db: &TestDatabase) {
    let sql = "UPDATE pipeline_executions SET status = 'Pending' WHERE id = @pipeline_running";
    assert_named(db, sql, STATUS, "@pipeline_running").await;
}

async fn a_pipeline_that_runs_before_its_tasks_do(db: &TestDatabase) {
    let sql = "UPDATE task_executions SET status = 'NotStarted' WHERE pipeline_execution_id = @pipeline_running";
    assert_named(db, sql, STATUS, "@pipeline_running").await;
}

async fn a_pipeline_that_completed_with_a_failure(db: &TestDatabase) {
    let sql = "UPDATE pipeline_executions SET status = 'Completed' WHERE id = @pipeline_failed";
    assert_named(db, sql, STATUS, "@pipeline_failed").await;
}

async fn a_pipeline_that_completed_with_a_cancelled_task(db: &TestDatabase) {
    let sql = "UPDATE task_executions SET status = 'Completed' WHERE id = @failed;
UPDATE pipeline_executions SET status = 'Completed' WHERE id = @pipeline_failed";
    assert_named(db, sql, STATUS, "@pipeline_failed").await;
}

async fn a_pipeline_that_was_cancelled_without_a_cancelled_task(db: &TestDatabase) {
    let sql = "UPDATE task_executions SET status = 'Completed' WHERE pipeline_execution_id = @pipeline_failed;
UPDATE pipeline_executions SET status = 'Cancelled' WHERE id = @pipeline_failed";
    assert_named(db, sql, STATUS, "@pipeline_failed").await;
}

async fn a_reason_for_a_pause_that_is_over(db: &TestDatabase) {
    let sql = "UPDATE pipeline_executions SET pause_reason = 'lunch' WHERE id = @pipeline_running";
    let rule = "a pipeline that is not Paused and has a reason for it";
    assert_named(db, sql, rule, "@pipeline_running").await;
}
