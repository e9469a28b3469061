//! What a transition changes in the tasks' rows and in the live tables.

use std::fmt::Write as _;

use taskbox_models::{LiveTable, Rule};

use super::locks;
use crate::queries::transition::{Change, parts, source::Column};

/// Where a task that moved went, of several ways.
pub(super) const NEXT: &str = "t.status";

pub(super) fn move_tasks(change: Change<'_>) -> String {
    let changes = parts::task_changes(change.rule, "clock_timestamp()");
    let (expired, columns) = (locks::recovers(change.source), columns(change));
    format!(
        ",
moved AS (
    UPDATE task_executions t SET {changes}
    FROM locked input
    WHERE t.id = input.id AND input.goes{expired}
    RETURNING t.id, t.pipeline_execution_id, t.queue, t.priority, t.status, t.attempt, t.epoch,
        input.ord, input.status AS before{columns}
)"
    )
}

/// What the events and the live tables need of what came with the tasks, each after a comma.
fn columns(change: Change<'_>) -> String {
    let columns = change.columns().into_iter();
    let needed = columns.filter(|column| *column != Column::Output);
    let columns = needed.map(|column| format!(", input.{}", column.kept()));
    columns.collect::<Vec<_>>().concat() + locks::worker(change.source)
}

/// By the list of the tasks, so that their rows are looked up whatever the planner thinks of their number.
pub(super) fn leave_live_tables(rule: &Rule) -> String {
    let notice = parts::notice(rule).is_some();
    parts::left_tables(rule).fold(String::new(), |mut sql, table| {
        let worker = if notice && table == LiveTable::Claims {
            ", l.worker_id"
        } else {
            ""
        };
        let table = table.as_str();
        // Writing to a String cannot fail.
        let _ = write!(
            sql,
            ",
left_{table} AS (
    DELETE FROM {table} l WHERE l.task_execution_id = ANY(ARRAY(SELECT id FROM moved))
    RETURNING l.task_execution_id AS id{worker}
)"
        );
        sql
    })
}

pub(super) fn enter_live_tables(rule: &Rule) -> String {
    let mut sql = String::new();
    if parts::entering(rule, LiveTable::Claims, NEXT).is_some() {
        sql.push_str(
            ",
claimed AS (
    INSERT INTO task_claims (task_execution_id, worker_id, epoch)
    SELECT t.id, t.worker_id, t.epoch FROM moved t
    ON CONFLICT (task_execution_id) DO UPDATE
    SET worker_id = excluded.worker_id, epoch = excluded.epoch, claimed_at = clock_timestamp()
)",
        );
    }
    if let Some(condition) = parts::entering(rule, LiveTable::Schedule, NEXT) {
        let condition = where_(&condition);
        // Writing to a String cannot fail.
        let _ = write!(
            sql,
            ",
scheduled AS (
    INSERT INTO task_schedule (task_execution_id, due_at)
    SELECT t.id, t.due_at FROM moved t{condition}
    ON CONFLICT (task_execution_id) DO UPDATE SET due_at = excluded.due_at
)"
        );
    }
    if let Some(condition) = parts::entering(rule, LiveTable::Outbox, NEXT) {
        let condition = where_(&condition);
        let (publish, republish) = (parts::publish(), parts::REPUBLISH);
        let _ = write!(
            sql,
            ",
published AS (
    {publish}
    FROM moved t LEFT JOIN pipelines p ON p.id = t.pipeline_execution_id{condition}
    ORDER BY t.ord
    {republish}
)"
        );
    }
    sql
}

fn where_(condition: &str) -> String {
    if condition.is_empty() {
        return String::new();
    }
    format!("\n    WHERE {condition}")
}

/// Leaves word for the workers that tasks were taken from.
pub(super) fn notify_workers(rule: &Rule) -> String {
    let Some(column) = parts::notice(rule) else {
        return String::new();
    };
    format!(
        ",
workers AS MATERIALIZED (
    SELECT w.id FROM task_workers w WHERE w.id IN (SELECT worker_id FROM left_task_claims)
    ORDER BY w.id FOR NO KEY UPDATE
),
notified AS (
    UPDATE task_workers w SET {column} = w.{column} || n.tasks
    FROM (
        SELECT worker_id AS id, jsonb_agg(id) AS tasks FROM left_task_claims GROUP BY worker_id
    ) n JOIN workers USING (id)
    WHERE w.id = n.id
)"
    )
}
