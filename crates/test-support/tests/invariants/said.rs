//! P9: events say who, which attempt, which epoch, and why, and what they say is so.

use taskbox_test_support::{TestDatabase, suite};

use super::assert_named;

suite! {
    a_claim_that_does_not_say_its_worker,
    a_failure_that_does_not_say_its_error,
    a_schedule_that_does_not_say_when,
    a_claim_that_says_the_epoch_of_another,
    an_attempt_that_was_given_back_and_counts,
    an_attempt_before_a_redrive_that_counts,
    a_recovery_that_is_not_counted,
}

const COUNT: &str = "an attempt or recoveries that do not count since the last redrive";

async fn a_claim_that_does_not_say_its_worker(db: &TestDatabase) {
    let sql = r#"UPDATE execution_events SET event_data = '{"attempt": 1, "epoch": 1}'
WHERE task_execution_id = @completed AND event_type = 'task_claimed'"#;
    let rule = "an event that does not say its worker";
    assert_named(db, sql, rule, "@completed").await;
}

async fn a_failure_that_does_not_say_its_error(db: &TestDatabase) {
    let sql = r#"UPDATE execution_events SET event_data = '{"attempt": 2}'
WHERE event_type = 'task_failed'"#;
    assert_named(db, sql, "an event that does not say its error", "@failed").await;
}

async fn a_schedule_that_does_not_say_when(db: &TestDatabase) {
    let sql = "UPDATE execution_events SET event_data = NULL WHERE event_type = 'task_scheduled'";
    let rule = "an event that does not say its due_at";
    assert_named(db, sql, rule, "@scheduled").await;
}

async fn a_claim_that_says_the_epoch_of_another(db: &TestDatabase) {
    let sql = r#"UPDATE execution_events SET event_data = '{"worker": "w", "attempt": 1, "epoch": 1}'
WHERE task_execution_id = @running AND event_type = 'task_claimed'"#;
    let rule = "a claim that says another epoch than its number";
    assert_named(db, sql, rule, "@running").await;
}

async fn an_attempt_that_was_given_back_and_counts(db: &TestDatabase) {
    let sql = "UPDATE task_executions SET attempt = 2 WHERE id = @running";
    assert_named(db, sql, COUNT, "@running").await;
}

async fn an_attempt_before_a_redrive_that_counts(db: &TestDatabase) {
    let sql = "UPDATE task_executions SET attempt = 2, recoveries = 1 WHERE id = @redriven";
    assert_named(db, sql, COUNT, "@redriven").await;
}

async fn a_recovery_that_is_not_counted(db: &TestDatabase) {
    let sql = "UPDATE task_executions SET recoveries = 0 WHERE id = @failed";
    assert_named(db, sql, COUNT, "@failed").await;
}
