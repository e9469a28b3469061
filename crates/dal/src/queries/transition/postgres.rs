//! A transition on Postgres: one statement that changes everything, made from the rule.
//!
//! It is one statement so that it is one round trip. Its parts share a snapshot, which is taken before the
//! locks are waited for: a part that looks for rows that another transaction wrote meanwhile does not see
//! them. So the task and pipeline rows are read through their locks, which give the newest version, inserts
//! look at the index, which is always current, and [`sweep`] is for the deletes.
//!
//! An end of a task changes its pipeline's row, for which others queue. It takes the locks by a statement before, so
//! that the snapshot is newer than the wait: an update that comes by an old version of a row, which somebody else
//! still holds, can deadlock although everyone locks in one order.

mod candidates;
mod changes;
mod claim;
mod events;
pub(crate) mod head;
mod input;
mod locks;
mod pipelines;

use std::collections::BTreeSet;

use diesel::{
    QueryResult,
    sql_types::{BigInt, Bool, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use taskbox_models::{PipelineStatus, Rule, TaskStatus};
use taskbox_schema::sql_types;
use uuid::Uuid;

pub(super) use claim::claim;

use locks::Start;

use super::{Change, Outcome, Source, parts};
use crate::{
    backend::postgres::Line,
    fault::Faults,
    queries::{Bind, Sql, pipeline_execution::lock_statement},
};

/// A task's id, where it was found and where it went, whether its live row went, whether others may wait for it,
/// and the transaction's id.
type Row = (
    sql_types::Uuid,
    Nullable<Text>,
    Nullable<Text>,
    Bool,
    Bool,
    BigInt,
);

#[derive(diesel::Queryable)]
struct Answer {
    task: Uuid,
    found: Option<TaskStatus>,
    to: Option<TaskStatus>,
    left_live_table: bool,
    may_release: bool,
    transaction_id: i64,
}

pub(super) async fn move_tasks(
    line: &mut Line<'_>,
    change: Change<'_>,
    faults: &Faults,
) -> QueryResult<(Vec<Outcome>, Option<i64>)> {
    if change.rule.may_end() || change.rule.brings_back() {
        faults.reach("transition: lock")?;
        lock(line, change.source).await?;
    }
    faults.reach("transition: move")?;
    let start = Start::first(change.rule);
    let mut answers: Vec<Answer> = line.load(statement(change, start)).await?;
    let none_is_found = answers.iter().all(|answer| answer.found.is_none());
    if start == Start::Nothing && none_is_found && !answers.is_empty() {
        faults.reach("transition: move and start")?;
        answers = line.load(statement(change, Start::Pipelines)).await?;
    }
    faults.reach("transition: sweep")?;
    let stayed: Vec<Uuid> = answers
        .iter()
        .filter(|answer| {
            let had_live_row = answer.found.and_then(TaskStatus::live_table).is_some();
            answer.to.is_some() && had_live_row && !answer.left_live_table
        })
        .map(|answer| answer.task)
        .collect();
    if !stayed.is_empty() {
        sweep(line.begun().await?, change.rule, &stayed).await?;
    }
    faults.reach("transition: done")?;
    let id = answers.as_slice().first().map(|it| it.transaction_id);
    let outcome = |answer: Answer| Outcome {
        task: answer.task,
        found: answer.found,
        to: answer.to,
        may_release: answer.may_release && answer.to.is_some_and(TaskStatus::is_terminal),
    };
    Ok((answers.into_iter().map(outcome).collect(), id))
}

/// Locks what the statement will lock, but for the tasks that nobody waits for.
async fn lock(line: &mut Line<'_>, source: Source<'_>) -> QueryResult<()> {
    let pipelines: Vec<Uuid> = match source {
        Source::Named { tasks, .. } => {
            let statement = locks::named_statement(tasks);
            return line.load::<Uuid, _, _>(statement).await.map(drop);
        }
        Source::Held(held) => {
            let pipelines = held
                .iter()
                .filter_map(|held| held.claim.pipeline_execution_id());
            pipelines.collect::<BTreeSet<_>>().into_iter().collect()
        }
        // They are looked for, and whoever is in the way is passed over.
        Source::OfWorker(_) | Source::Due { .. } | Source::Expired { .. } => Vec::new(),
    };
    if pipelines.is_empty() {
        return Ok(());
    }
    let statement = lock_statement(&pipelines);
    let locked = line.load::<(Uuid, PipelineStatus), _, _>(statement);
    locked.await.map(drop)
}

/// Deletes the live rows that were written while the statement waited for their tasks' locks, which
/// are held now.
async fn sweep(connection: &mut AsyncPgConnection, rule: &Rule, tasks: &[Uuid]) -> QueryResult<()> {
    for table in parts::left_tables(rule) {
        let table = table.as_str();
        Sql::<()>::new(format!("DELETE FROM {table} WHERE task_execution_id "))
            .bind(Bind::any_of(tasks))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// The whole transition.
pub(crate) fn statement(change: Change<'_>, start: Start) -> Sql<'_, Row> {
    let rule = change.rule;
    input::input(change).text(
        [
            locks::pipelines(change, start),
            locks::tasks(change, start),
            changes::move_tasks(change),
            changes::leave_live_tables(rule),
            changes::enter_live_tables(rule),
            changes::notify_workers(rule),
            pipelines::advance(rule, start),
            events::write(rule, start),
            answer(change),
        ]
        .concat(),
    )
}

fn answer(change: Change<'_>) -> String {
    let rule = change.rule;
    let left: Vec<_> = parts::left_tables(rule)
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
    let release = match change.source {
        _ if !rule.may_end() => "false",
        // What came while the statement waited for the pipelines does not show in its snapshot.
        Source::Expired { .. } => "true",
        Source::Held([_, _, ..]) => {
            // Distinct, so that the planner expects few and makes a table of them, however many wait for one.
            "input.id IN (
    SELECT DISTINCT d.dependency_id FROM task_dependencies d
    WHERE d.dependency_id = ANY(ARRAY(SELECT id FROM input))
)"
        }
        _ => "EXISTS (SELECT FROM task_dependencies d WHERE d.dependency_id = input.id)",
    };
    format!(
        "
SELECT input.id, locked.status, moved.status, {left}, {release},
    pg_current_xact_id()::text::bigint
FROM input LEFT JOIN locked USING (ord) LEFT JOIN moved USING (ord)
ORDER BY input.ord"
    )
}
