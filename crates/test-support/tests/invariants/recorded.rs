//! What a live row repeats of its task is as the task has it, and dependencies are counted.

use taskbox_test_support::{TestDatabase, suite};

use super::assert_named;

suite! {
    an_outbox_row_of_another_queue,
    an_outbox_row_of_another_priority,
    an_outbox_row_that_is_held_without_a_pause,
    an_outbox_row_that_is_not_held_in_a_pause,
    a_claim_of_an_old_epoch,
    an_epoch_that_went_back,
    a_dependency_that_is_not_counted,
    a_task_that_waits_for_nothing,
}

const REPEATED: &str = "an outbox row with another queue or priority than its task";
const HELD: &str = "an outbox row whose held is not whether its pipeline is paused";

async fn an_outbox_row_of_another_queue(db: &TestDatabase) {
    let sql = "UPDATE task_outbox SET queue = 'other' WHERE task_execution_id = @ready";
    assert_named(db, sql, REPEATED, "@ready").await;
}

async fn an_outbox_row_of_another_priority(db: &TestDatabase) {
    let sql = "UPDATE task_outbox SET priority = 4 WHERE task_execution_id = @ready";
    assert_named(db, sql, REPEATED, "@ready").await;
}

async fn an_outbox_row_that_is_held_without_a_pause(db: &TestDatabase) {
    let sql = "UPDATE task_outbox SET held = true";
    assert_named(db, sql, HELD, "@redriven").await;
}

async fn an_outbox_row_that_is_not_held_in_a_pause(db: &TestDatabase) {
    assert_named(db, "UPDATE task_outbox SET held = false", HELD, "@held").await;
}

async fn a_claim_of_an_old_epoch(db: &TestDatabase) {
    let rule = "a claim of another epoch than its task";
    assert_named(db, "UPDATE task_claims SET epoch = 1", rule, "@running").await;
}

async fn an_epoch_that_went_back(db: &TestDatabase) {
    let sql = "UPDATE task_executions SET epoch = 0 WHERE id = @redriven";
    let rule = "an epoch that does not count the claims";
    assert_named(db, sql, rule, "@redriven").await;
}

async fn a_dependency_that_is_not_counted(db: &TestDatabase) {
    let sql = "UPDATE task_executions SET open_dependencies = 2 WHERE id = @waiting";
    assert_named(db, sql, "open_dependencies that does not count", "@waiting").await;
}

async fn a_task_that_waits_for_nothing(db: &TestDatabase) {
    let sql = "UPDATE task_executions SET open_dependencies = 0 WHERE id = @waiting";
    let rule = "NotStarted although all its dependencies have ended";
    assert_named(db, sql, rule, "@waiting").await;
}
