//! The claim on Postgres: one statement, from the outbox to the claims.

use diesel::{
    QueryResult,
    sql_types::{BigInt, Int4, Int8, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use taskbox_models::{Claim, Rule, TaskStatus, Transition};
use taskbox_schema::sql_types::{Jsonb, Uuid};

use super::{changes, events};
use crate::{
    fault::Faults,
    queries::{
        Bind, Sql,
        transition::{Pick, parts},
    },
};

/// What a [`Claim`] is read from.
pub(crate) type ClaimRow = (
    Uuid,
    Nullable<Uuid>,
    Text,
    Nullable<Jsonb>,
    Int4,
    Int8,
    Uuid,
);

/// How many tasks one statement claims at the most. It is part of the text, so that the planner knows that few rows
/// of the outbox are wanted, and never sorts all of them.
const BATCH: i64 = 1_000;

pub(crate) async fn claim(
    connection: &mut AsyncPgConnection,
    pick: Pick<'_>,
    faults: &Faults,
) -> QueryResult<(Vec<Claim>, Option<i64>)> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut id = None;
    let mut missing = pick.limit;
    while missing > 0 {
        faults.reach("claim: move")?;
        let limit = missing.min(BATCH);
        let rows: Vec<(Claim, i64)> = statement(Pick { limit, ..pick }).load(connection).await?;
        faults.reach("claim: done")?;
        let claimed = i64::try_from(rows.len()).unwrap_or(limit);
        id = id.or_else(|| rows.as_slice().first().map(|row| row.1));
        claims.extend(rows.into_iter().map(|row| row.0));
        missing -= claimed;
        if claimed < limit {
            break;
        }
    }
    Ok((claims, id))
}

pub(crate) fn statement(pick: Pick<'_>) -> Sql<'_, (ClaimRow, BigInt)> {
    let rule = Transition::Claim.rule();
    let sql = Sql::new(
        "WITH locked AS MATERIALIZED (
    SELECT picked.*, row_number() OVER () AS ord
    FROM (",
    );
    candidates(sql, pick)
        .text(
            "
    ) picked
    LIMIT ",
        )
        .bind(Bind::Integer(pick.limit))
        .text(
            "
),
holder AS MATERIALIZED (
    SELECT w.id FROM task_workers w
    WHERE w.id = ",
        )
        .bind(Bind::Id(pick.worker))
        .text(
            " AND w.lease_expires_at > clock_timestamp() AND EXISTS (SELECT FROM locked)
    FOR KEY SHARE
)",
        )
        .text(
            [
                move_tasks(rule),
                changes::leave_live_tables(rule),
                changes::enter_live_tables(rule),
                events::write(rule),
                ANSWER.to_owned(),
            ]
            .concat(),
        )
}

/// The rows of the outbox in their order, locked together with their tasks; those that somebody holds are passed over.
fn candidates<'a, ST>(sql: Sql<'a, ST>, pick: Pick<'a>) -> Sql<'a, ST> {
    let select = "
        SELECT t.id, o.id AS row_id, o.priority";
    let sql = sql.text(select);
    let sql = match pick.queues {
        None => sql.text(" FROM task_outbox o"),
        Some(queues) => {
            one_by_one(sql.text(" FROM ("), queues).text(") c JOIN task_outbox o ON o.id = c.id")
        }
    };
    let ready = TaskStatus::Ready;
    let due = if pick.unless_due {
        "
            AND NOT EXISTS (SELECT FROM task_schedule WHERE due_at <= (SELECT clock_timestamp()))"
    } else {
        ""
    };
    sql.text(format!(
        "
        JOIN task_executions t ON t.id = o.task_execution_id
        WHERE NOT o.held AND t.status = '{ready}'{due}
        ORDER BY o.priority DESC, o.id LIMIT {BATCH}
        FOR UPDATE OF o SKIP LOCKED FOR NO KEY UPDATE OF t SKIP LOCKED"
    ))
}

/// The rows of each queue by an index that has them in order, which the database merges.
fn one_by_one<'a, ST>(sql: Sql<'a, ST>, queues: &'a [String]) -> Sql<'a, ST> {
    let mut union = "";
    queues.iter().fold(sql, |sql, queue| {
        let before = std::mem::replace(&mut union, " UNION ALL ");
        sql.text(before)
            .text("SELECT id, priority FROM task_outbox WHERE NOT held AND queue = ")
            .bind(Bind::Text(queue))
    })
}

fn move_tasks(rule: &Rule) -> String {
    let changes = parts::task_changes(rule, "clock_timestamp()", "", "");
    format!(
        ",
moved AS (
    UPDATE task_executions t SET {changes}
    FROM locked, holder
    WHERE t.id = locked.id
    RETURNING t.id, t.pipeline_execution_id, t.task_name, t.input, t.status, t.attempt, t.epoch,
        holder.id AS worker_id, locked.ord
)"
    )
}

const ANSWER: &str = "
SELECT t.id, t.pipeline_execution_id, t.task_name, t.input, t.attempt, t.epoch, t.worker_id,
    pg_current_xact_id()::text::bigint
FROM moved t ORDER BY t.ord";
