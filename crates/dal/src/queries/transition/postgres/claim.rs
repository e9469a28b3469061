//! The claim on Postgres: one statement, from the outbox to the claims.

use diesel::{
    QueryResult,
    sql_types::{BigInt, Int4, Int8},
};
use taskbox_models::{Claim, Rule, Transition};

use super::{
    candidates, changes, events,
    head::{Heads, Range},
    locks::Start,
};
use crate::{
    backend::postgres::Line,
    fault::Faults,
    queries::{
        Bind, Sql,
        transition::{Pick, parts, source::ClaimRow},
    },
};

/// A claim, the transaction's id, and which row of the outbox it was.
#[derive(diesel::Queryable)]
struct Taken {
    claim: Claim,
    transaction_id: i64,
    priority: i32,
    row_id: i64,
}

pub(crate) async fn claim(
    line: &mut Line<'_>,
    pick: Pick<'_>,
    heads: &Heads,
    faults: &Faults,
) -> QueryResult<(Vec<Claim>, Option<i64>)> {
    let mut ranges = heads.ranges(pick.queues);
    let mut taken: Vec<Taken> = Vec::new();
    let mut missing = pick.limit;
    while missing > 0 {
        faults.reach("claim: move")?;
        let limit = missing.min(candidates::BATCH);
        let pick = Pick { limit, ..pick };
        let statement = statement(pick, ranges.as_deref());
        let rows: Vec<Taken> = line.load(statement).await?;
        faults.reach("claim: done")?;
        if rows.is_empty() && ranges.take().is_some() {
            continue;
        }
        let claimed = i64::try_from(rows.len()).unwrap_or(limit);
        taken.extend(rows);
        missing -= claimed;
        if claimed < limit {
            break;
        }
    }
    let places = taken.iter().map(|taken| (taken.priority, taken.row_id));
    heads.learn(pick.queues, ranges.is_none(), places);
    let id = taken.as_slice().first().map(|taken| taken.transaction_id);
    Ok((taken.into_iter().map(|taken| taken.claim).collect(), id))
}

pub(crate) fn statement<'a>(
    pick: Pick<'a>,
    ranges: Option<&[Range]>,
) -> Sql<'a, (ClaimRow, BigInt, Int4, Int8)> {
    let rule = Transition::Claim.rule();
    candidates::locked(pick, ranges)
        .text(
            ",
holder AS MATERIALIZED (
    SELECT w.id FROM task_workers w
    WHERE w.id = ",
        )
        .bind(Bind::Id(pick.worker))
        .text(" AND w.lease_expires_at > clock_timestamp() AND EXISTS (SELECT FROM locked)")
        .guard(" AND ")
        .text("\n    FOR KEY SHARE\n)")
        .text(
            [
                move_tasks(rule),
                changes::leave_live_tables(rule),
                changes::enter_live_tables(rule),
                events::write(rule, Start::Nothing),
                ANSWER.to_owned(),
            ]
            .concat(),
        )
}

/// By the list of the tasks as well, so that they are looked up whatever the planner thinks of their number. And joined
/// with arrays, of which it never expects fewer than ten: of a list that it thinks shorter it compares each row with each
/// of the other, and for an outbox that was empty when it was counted it thinks so of any.
fn move_tasks(rule: &Rule) -> String {
    let changes = parts::task_changes(rule, "clock_timestamp()");
    format!(
        ",
moved AS (
    UPDATE task_executions t SET {changes}
    FROM unnest(
        ARRAY(SELECT id FROM locked), ARRAY(SELECT row_id FROM locked), ARRAY(SELECT priority FROM locked)
    ) WITH ORDINALITY input (id, row_id, priority, ord), holder
    WHERE t.id = input.id AND t.id = ANY(ARRAY(SELECT id FROM locked))
    RETURNING t.id, t.pipeline_execution_id, t.task_name, t.input, t.status, t.attempt, t.epoch,
        holder.id AS worker_id, t.trace_context, input.ord, input.priority, input.row_id
)"
    )
}

const ANSWER: &str = "
SELECT t.id, t.pipeline_execution_id, t.task_name, t.input, t.attempt, t.epoch, t.worker_id,
    t.trace_context, pg_current_xact_id()::text::bigint, t.priority, t.row_id
FROM moved t ORDER BY t.ord";
