//! What a transition changes in the tasks' rows and in the live tables.

use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use taskbox_models::{LiveTable, Rule, TaskStatus};

use super::{super::parts, NOW, input::Input, look::Found};
use crate::{fault::Faults, queries::Sql};

pub(crate) fn change_tasks<'a>(rule: &Rule, input: &Input) -> Sql<'a> {
    let changes = parts::task_changes(rule, NOW);
    let update = format!("\nUPDATE task_executions AS t SET {changes}\n");
    if changes.contains("input.") {
        input.table_with(update + "FROM input WHERE t.id = input.id")
    } else {
        input.with(update + "WHERE t.id IN (SELECT id FROM input)")
    }
}

/// Leaves word for the workers that tasks are taken from.
pub(crate) fn notify_workers<'a>(column: &str, input: &Input) -> Sql<'a> {
    input.with(format!(
        "
UPDATE task_workers AS w SET {column} = (
    SELECT json_group_array(task) FROM (
        SELECT value AS task FROM json_each(w.{column})
        UNION ALL
        SELECT lower(hex(c.task_execution_id)) FROM task_claims c
        WHERE c.worker_id = w.id AND c.task_execution_id IN (SELECT id FROM input)
    )
)
WHERE w.id IN (
    SELECT worker_id FROM task_claims WHERE task_execution_id IN (SELECT id FROM input)
)"
    ))
}

pub(super) fn leave_live_tables(
    connection: &mut SqliteConnection,
    moving: &[&Found],
    input: &Input,
    faults: &Faults,
) -> QueryResult<()> {
    for table in [LiveTable::Claims, LiveTable::Outbox, LiveTable::Schedule] {
        let leaves = |found: &&Found| found.status.and_then(TaskStatus::live_table) == Some(table);
        if moving.iter().any(leaves) {
            faults.reach("transition: leave live table")?;
            leave_live_table(table, input).execute(connection)?;
        }
    }
    Ok(())
}

pub(crate) fn leave_live_table<'a>(table: LiveTable, input: &Input) -> Sql<'a> {
    let table = table.as_str();
    input.with(format!(
        "
DELETE FROM {table} WHERE task_execution_id IN (SELECT id FROM input)"
    ))
}

/// One statement for each table that tasks of this rule may enter.
pub(crate) fn enter_live_tables<'a>(rule: &Rule, input: &Input) -> Vec<Sql<'a>> {
    let (publish, republish) = (parts::publish(), parts::REPUBLISH);
    let enter = |table, statement: &dyn Fn(&str) -> String| {
        let condition = parts::entering(rule, table, parts::NEXT)?;
        let condition = if condition.is_empty() {
            "true"
        } else {
            &condition
        };
        Some(input.with(statement(condition)))
    };
    [
        enter(LiveTable::Claims, &|condition| {
            format!(
                "
INSERT INTO task_claims (task_execution_id, worker_id, epoch)
SELECT t.id, unhex(replace(input.worker, '-', '')), t.epoch
FROM input CROSS JOIN task_executions t ON t.id = input.id WHERE {condition}
ON CONFLICT (task_execution_id) DO UPDATE
SET worker_id = excluded.worker_id, epoch = excluded.epoch, claimed_at = excluded.claimed_at"
            )
        }),
        enter(LiveTable::Schedule, &|condition| {
            format!(
                "
INSERT INTO task_schedule (task_execution_id, due_at)
SELECT id, due_at FROM input WHERE {condition}
ON CONFLICT (task_execution_id) DO UPDATE SET due_at = excluded.due_at"
            )
        }),
        enter(LiveTable::Outbox, &|condition| {
            format!(
                "
{publish}
FROM input
CROSS JOIN task_executions t ON t.id = input.id
LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id
WHERE {condition}
ORDER BY input.ord
{republish}"
            )
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
