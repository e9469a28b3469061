//! P2: a task has exactly one row in the live table of its status, and none in the others.

use taskbox_test_support::{TestDatabase, suite};

use super::{assert_named, unconstrain};

suite! {
    a_ready_task_without_an_outbox_row,
    a_running_task_without_a_claim,
    a_scheduled_task_without_a_due_time,
    an_outbox_row_of_a_task_that_runs,
    a_claim_of_a_task_that_is_ready,
    a_due_time_of_a_task_that_is_ready,
    an_outbox_row_of_no_task,
    a_claim_of_no_task,
    a_due_time_of_no_task,
    two_outbox_rows_of_one_task,
    two_claims_of_one_task,
    two_due_times_of_one_task,
}

async fn a_ready_task_without_an_outbox_row(db: &TestDatabase) {
    let sql = "DELETE FROM task_outbox WHERE task_execution_id = @ready";
    assert_named(db, sql, "Ready without its row in task_outbox", "@ready").await;
}

async fn a_running_task_without_a_claim(db: &TestDatabase) {
    let rule = "Running without its row in task_claims";
    assert_named(db, "DELETE FROM task_claims", rule, "@running").await;
}

async fn a_scheduled_task_without_a_due_time(db: &TestDatabase) {
    let rule = "Scheduled without its row in task_schedule";
    assert_named(db, "DELETE FROM task_schedule", rule, "@scheduled").await;
}

async fn an_outbox_row_of_a_task_that_runs(db: &TestDatabase) {
    let sql = "INSERT INTO task_outbox (task_execution_id) VALUES (@running)";
    let rule = "a row in task_outbox of a task that is not Ready";
    assert_named(db, sql, rule, "@running").await;
}

async fn a_claim_of_a_task_that_is_ready(db: &TestDatabase) {
    let sql =
        "INSERT INTO task_claims (task_execution_id, worker_id, epoch) VALUES (@ready, @worker, 0)";
    let rule = "a row in task_claims of a task that is not Running";
    assert_named(db, sql, rule, "@ready").await;
}

async fn a_due_time_of_a_task_that_is_ready(db: &TestDatabase) {
    let sql = "INSERT INTO task_schedule (task_execution_id, due_at) SELECT @ready, due_at FROM task_schedule";
    let rule = "a row in task_schedule of a task that is not Scheduled";
    assert_named(db, sql, rule, "@ready").await;
}

/// SQL that repeats the row of one task in a table for another, whatever the constraints say.
fn repeat(table: &str, of: &str, for_whom: &str) -> String {
    let and_then = match table {
        "task_outbox" => "created_at, queue, priority, held FROM",
        "task_claims" => "worker_id, epoch, claimed_at FROM",
        _ => "due_at FROM",
    };
    let id = if table == "task_outbox" {
        "id + 100, "
    } else {
        ""
    };
    unconstrain(table)
        + &format!(
            "INSERT INTO {table} SELECT {id}{for_whom}, {and_then} constrained WHERE task_execution_id = {of}"
        )
}

async fn an_outbox_row_of_no_task(db: &TestDatabase) {
    let sql = repeat("task_outbox", "@ready", "@nobody");
    let rule = "a row in task_outbox of a task that is not Ready";
    assert_named(db, &sql, rule, "@nobody").await;
}

async fn a_claim_of_no_task(db: &TestDatabase) {
    let sql = repeat("task_claims", "@running", "@nobody");
    let rule = "a row in task_claims of a task that is not Running";
    assert_named(db, &sql, rule, "@nobody").await;
}

async fn a_due_time_of_no_task(db: &TestDatabase) {
    let sql = repeat("task_schedule", "@scheduled", "@nobody");
    let rule = "a row in task_schedule of a task that is not Scheduled";
    assert_named(db, &sql, rule, "@nobody").await;
}

async fn two_outbox_rows_of_one_task(db: &TestDatabase) {
    let sql = repeat("task_outbox", "@ready", "@ready");
    assert_named(db, &sql, "two rows in task_outbox of one task", "@ready").await;
}

async fn two_claims_of_one_task(db: &TestDatabase) {
    let sql = repeat("task_claims", "@running", "@running");
    assert_named(db, &sql, "two rows in task_claims of one task", "@running").await;
}

async fn two_due_times_of_one_task(db: &TestDatabase) {
    let sql = repeat("task_schedule", "@scheduled", "@scheduled");
    let rule = "two rows in task_schedule of one task";
    assert_named(db, &sql, rule, "@scheduled").await;
}
