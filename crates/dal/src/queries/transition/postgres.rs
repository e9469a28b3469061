//! A transition on Postgres: one statement that changes everything, made from the rule.
//!
//! It is one statement so that it is one round trip. Its parts share a snapshot, which is taken before the
//! locks are waited for: a part that looks for rows that another transaction wrote meanwhile does not see
//! them. So the task and pipeline rows are read through their locks, which give the newest version, inserts
//! look at the index, which is always current, and [`sweep`] is for the deletes.

use std::fmt::Write as _;

use diesel::{
    QueryResult,
    sql_types::{BigInt, Bool, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use taskbox_models::{EventType, LiveTable, Outcome, PipelineStatus, Rule, TaskStatus};
use taskbox_schema::sql_types;
use uuid::Uuid;

use super::{Argument, Change, parts};
use crate::{
    fault::Faults,
    queries::{Bind, Sql},
};

/// A task's id, where it was found, whether it moved, whether its live row went, and the transaction's id.
type Row = (sql_types::Uuid, Nullable<Text>, Bool, Bool, BigInt);

pub(super) async fn move_tasks(
    connection: &mut AsyncPgConnection,
    change: Change<'_>,
    faults: &Faults,
) -> QueryResult<(Vec<super::Outcome>, Option<i64>)> {
    faults.reach("transition: move")?;
    let rows: Vec<(Uuid, Option<TaskStatus>, bool, bool, i64)> =
        statement(change).load(connection).await?;
    faults.reach("transition: sweep")?;
    let stayed: Vec<Uuid> = rows
        .iter()
        .filter(|(_, found, moved, swept, _)| {
            *moved && !*swept && found.is_some_and(|status| status.live_table().is_some())
        })
        .map(|row| row.0)
        .collect();
    if !stayed.is_empty() {
        sweep(connection, change.rule, &stayed).await?;
    }
    faults.reach("transition: done")?;
    let id = rows.as_slice().first().map(|row| row.4);
    let outcomes = rows.into_iter().map(|row| (row.0, row.1, row.2)).collect();
    Ok((outcomes, id))
}

/// Deletes the live rows that were written while the statement waited for their tasks' locks, which
/// are held now.
async fn sweep(connection: &mut AsyncPgConnection, rule: &Rule, tasks: &[Uuid]) -> QueryResult<()> {
    for table in live_tables(rule) {
        let table = table.as_str();
        Sql::<()>::new(format!("DELETE FROM {table} WHERE task_execution_id "))
            .bind(Bind::any_of(tasks))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// The whole transition.
pub(crate) fn statement(change: Change<'_>) -> Sql<'_, Row> {
    let Change {
        rule,
        tasks,
        argument,
    } = change;
    let outcome = parts::only_outcome(rule);
    bind_argument(input(tasks), argument).text(
        [
            lock_pipelines(rule, outcome),
            lock_and_move_tasks(rule, outcome, argument),
            leave_live_tables(rule),
            enter_live_table(outcome),
            advance_pipelines(rule, outcome),
            write_events(rule, outcome, argument),
            answer(rule),
        ]
        .concat(),
    )
}

/// The tasks as a table `input (id, ord)`.
///
/// A plan has to fit the next call, too, or Postgres makes one for each, which takes longer than running it. So
/// a single task is a value, of which there is always one, and a list is behind a query, where the planner
/// cannot count it: it then plans to look rows up by their ids.
fn input(tasks: &[Uuid]) -> Sql<'_, Row> {
    if let [task] = tasks {
        return Sql::new("WITH input AS MATERIALIZED (\n    SELECT ")
            .bind(Bind::Id(*task))
            .text(" AS id, 1 AS ord\n)");
    }
    Sql::new("WITH input AS MATERIALIZED (\n    SELECT id, ord FROM unnest((SELECT ")
        .bind(Bind::Ids(tasks))
        .text(")) WITH ORDINALITY AS input (id, ord)\n)")
}

fn bind_argument<'a>(sql: Sql<'a, Row>, argument: Argument<'a>) -> Sql<'a, Row> {
    match argument {
        Argument::None => sql,
        Argument::DueIn(microseconds) => sql
            .text(
                ",
argument AS MATERIALIZED (
    SELECT clock_timestamp() + ",
            )
            .bind(Bind::Integer(microseconds))
            .text(
                " * interval '1 microsecond' AS due_at
)",
            ),
        Argument::Reason(reason) => sql
            .text(
                ",
argument AS MATERIALIZED (
    SELECT ",
            )
            .bind(Bind::Text(reason))
            .text(
                " AS reason
)",
            ),
    }
}

/// Locks the pipelines first, in the order of their ids: as their graph's mutex if a counter or the status
/// will change, else only against being paused or cancelled meanwhile.
///
/// Their ids are a materialised list, so that they are looked up by the tasks of the call. Joined, the planner
/// likes to go from a pipeline to all of its tasks.
fn lock_pipelines(rule: &Rule, outcome: &Outcome) -> String {
    let pending = PipelineStatus::Pending;
    let graphs = ",
graphs AS MATERIALIZED (
    SELECT DISTINCT t.pipeline_execution_id AS id FROM task_executions t JOIN input USING (id)
    WHERE t.pipeline_execution_id IS NOT NULL
)";
    let mut starting = String::new();
    let mut lock = "NO KEY UPDATE";
    let mut after_starting = "";
    if !outcome.to.is_terminal() {
        lock = "KEY SHARE";
        if rule.leaves_not_started() {
            after_starting = " AND (SELECT count(*) FROM starting) >= 0";
            starting = format!(
                ",
starting AS MATERIALIZED (
    SELECT p.id FROM pipeline_executions p
    WHERE p.status = '{pending}' AND p.id IN (SELECT id FROM graphs)
    ORDER BY p.id FOR NO KEY UPDATE
)"
            );
        }
    }
    format!(
        "{graphs}{starting},
pipelines AS MATERIALIZED (
    SELECT p.id, p.status FROM pipeline_executions p
    WHERE p.id IN (SELECT id FROM graphs){after_starting}
    ORDER BY p.id FOR {lock}
)"
    )
}

fn lock_and_move_tasks(rule: &Rule, outcome: &Outcome, argument: Argument<'_>) -> String {
    let from = list(rule.from);
    let changes = parts::task_changes(outcome, "clock_timestamp()");
    let argument = match argument {
        Argument::None => "",
        Argument::DueIn(_) | Argument::Reason(_) => ", argument",
    };
    format!(
        ",
locked AS MATERIALIZED (
    SELECT t.id, t.status, input.ord
    FROM task_executions t JOIN input USING (id)
    WHERE (SELECT count(*) FROM pipelines) >= 0
    ORDER BY t.id FOR NO KEY UPDATE OF t
),
moved AS (
    UPDATE task_executions t SET {changes}
    FROM locked{argument}
    WHERE t.id = locked.id AND locked.status IN ({from})
    RETURNING t.id, t.pipeline_execution_id, t.queue, t.priority, t.attempt, t.epoch, locked.ord
)"
    )
}

/// `'NotStarted', 'Scheduled'`
fn list(statuses: &[TaskStatus]) -> String {
    let quoted: Vec<_> = statuses
        .iter()
        .map(|status| format!("'{status}'"))
        .collect();
    quoted.join(", ")
}

/// The live tables that a task of this rule may come from.
fn live_tables(rule: &Rule) -> impl Iterator<Item = LiveTable> {
    rule.from.iter().filter_map(|status| status.live_table())
}

fn leave_live_tables(rule: &Rule) -> String {
    live_tables(rule).fold(String::new(), |mut sql, table| {
        let table = table.as_str();
        // Writing to a String cannot fail.
        let _ = write!(
            sql,
            ",
left_{table} AS (
    DELETE FROM {table} l USING moved WHERE l.task_execution_id = moved.id
    RETURNING l.task_execution_id AS id
)"
        );
        sql
    })
}

fn enter_live_table(outcome: &Outcome) -> String {
    match outcome.to.live_table() {
        None | Some(LiveTable::Claims) => String::new(),
        Some(LiveTable::Schedule) => ",
scheduled AS (
    INSERT INTO task_schedule (task_execution_id, due_at)
    SELECT moved.id, argument.due_at FROM moved, argument
    ON CONFLICT (task_execution_id) DO UPDATE SET due_at = excluded.due_at
)"
        .to_owned(),
        Some(LiveTable::Outbox) => format!(
            ",
published AS (
    {}
    FROM moved t LEFT JOIN pipelines p ON p.id = t.pipeline_execution_id
    ORDER BY t.ord
    {}
)",
            parts::publish(),
            parts::REPUBLISH
        ),
    }
}

/// Starts the pipelines that had not begun, and counts the tasks that ended.
fn advance_pipelines(rule: &Rule, outcome: &Outcome) -> String {
    let (pending, running) = (PipelineStatus::Pending, PipelineStatus::Running);
    let (open, failed, cancelled) = parts::counted(outcome.to);
    let (condition, changes) = if outcome.to.is_terminal() {
        let ended = parts::ENDED_STATUS;
        let counters = "open_tasks = p.open_tasks + n.open,
        failed_tasks = p.failed_tasks + n.failed,
        cancelled_tasks = p.cancelled_tasks + n.cancelled,
        pause_reason = CASE WHEN p.open_tasks + n.open = 0 THEN NULL ELSE p.pause_reason END,
        ";
        let status = format!(
            "status = CASE
            WHEN p.open_tasks + n.open = 0 THEN {ended}
            WHEN p.status = '{pending}' THEN '{running}'
            ELSE p.status
        END"
        );
        (String::new(), format!("{counters}{status}"))
    } else if rule.leaves_not_started() {
        (
            format!(" AND p.status = '{pending}'"),
            format!("status = '{running}'"),
        )
    } else {
        return String::new();
    };
    format!(
        ",
advanced AS (
    UPDATE pipeline_executions p SET {changes},
        updated_at = clock_timestamp()
    FROM (
        SELECT pipeline_execution_id AS id,
            count(*)::integer * {open} AS open,
            count(*)::integer * {failed} AS failed,
            count(*)::integer * {cancelled} AS cancelled
        FROM moved WHERE pipeline_execution_id IS NOT NULL GROUP BY pipeline_execution_id
    ) n JOIN pipelines l USING (id)
    WHERE p.id = n.id{condition}
    RETURNING p.id, l.status AS before, p.status AS after
)"
    )
}

/// The pipelines' beginnings, then the tasks' events in the order of the call, then the pipelines' ends.
fn write_events(rule: &Rule, outcome: &Outcome, argument: Argument<'_>) -> String {
    const DUE_AT: &str =
        r#"to_char(argument.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#;
    let event = outcome.event;
    let data = parts::event_data(outcome, DUE_AT).map_or("NULL".to_owned(), |pairs| {
        format!("jsonb_build_object({pairs})")
    });
    let argument = match argument {
        Argument::None => "",
        Argument::DueIn(_) | Argument::Reason(_) => ", argument",
    };
    let (started, ended) = pipeline_events(rule, outcome);
    format!(
        ",
logged AS (
    INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type, event_data)
    SELECT pipeline_id, task_id, event_type, event_data FROM ({started}
        SELECT 1 AS part, t.ord, t.pipeline_execution_id AS pipeline_id, t.id AS task_id,
            '{event}' AS event_type, {data}::jsonb AS event_data
        FROM moved t{argument}{ended}
    ) event ORDER BY part, ord
)"
    )
}

fn pipeline_events(rule: &Rule, outcome: &Outcome) -> (String, String) {
    let pending = PipelineStatus::Pending;
    let started = EventType::PipelineStarted;
    let starts = if rule.leaves_not_started() {
        format!(
            "
        SELECT 0 AS part, 0 AS ord, id AS pipeline_id, NULL::uuid AS task_id,
            '{started}' AS event_type, NULL::jsonb AS event_data
        FROM advanced WHERE before = '{pending}'
        UNION ALL"
        )
    } else {
        String::new()
    };
    if !outcome.to.is_terminal() {
        return (starts, String::new());
    }
    let events: Vec<_> = PipelineStatus::ALL
        .iter()
        .filter_map(|status| Some(format!("('{status}', '{}')", parts::end_event(*status)?)))
        .collect();
    let events = events.join(", ");
    let ends = format!(
        "
        UNION ALL
        SELECT 2, 0, id, NULL, ended.event_type, NULL
        FROM advanced JOIN (VALUES {events}) ended (status, event_type) ON ended.status = after
        WHERE before <> after"
    );
    (starts, ends)
}

fn answer(rule: &Rule) -> String {
    let left: Vec<_> = live_tables(rule)
        .map(|table| {
            format!(
                "EXISTS (SELECT FROM left_{} l WHERE l.id = input.id)",
                table.as_str()
            )
        })
        .collect();
    let left = if left.is_empty() {
        "false".to_owned()
    } else {
        left.join(" OR ")
    };
    format!(
        "
SELECT input.id, locked.status, moved.id IS NOT NULL, {left}, pg_current_xact_id()::text::bigint
FROM input LEFT JOIN locked USING (id) LEFT JOIN moved USING (id)
ORDER BY input.ord"
    )
}
