//! Which rows of the outbox a claim takes: the first ones, but for those that somebody holds.

use taskbox_models::TaskStatus;

use super::head::Range;
use crate::queries::{Bind, Sql, transition::Pick};

/// How many tasks one statement claims at the most. It is part of the text, so that the planner knows that few rows
/// of the outbox are wanted, and never sorts all of them.
pub(super) const BATCH: i64 = 1_000;

/// The tasks as a table `locked (id, row_id, priority)` in their order, locked together with their rows.
///
/// Each range has a part of its own, which looks for what those before it have left to find.
pub(super) fn locked<'a, ST>(pick: Pick<'a>, ranges: Option<&[Range]>) -> Sql<'a, ST> {
    let ranges = ranges.map_or(vec![None], |ranges| {
        ranges.iter().copied().map(Some).collect()
    });
    let mut begin = "WITH ";
    let mut sql = Sql::new("");
    for (part, range) in ranges.iter().enumerate() {
        sql = sql.text(std::mem::replace(&mut begin, ",\n")).text(format!(
            "part_{part} AS MATERIALIZED (
    SELECT picked.*, {part} AS part FROM ("
        ));
        sql = candidates(sql, pick, *range)
            .text("\n    ) picked LIMIT ")
            .bind(Bind::Integer(pick.limit));
        let before = (0..part).map(|part| format!(" - (SELECT count(*) FROM part_{part})"));
        sql = sql.text(before.collect::<Vec<_>>().concat()).text("\n)");
    }
    let parts = (0..ranges.len()).map(|part| format!("SELECT * FROM part_{part}"));
    let parts = parts.collect::<Vec<_>>().join(" UNION ALL ");
    sql.text(format!(
        ",
locked AS MATERIALIZED (
    SELECT id, row_id, priority FROM ({parts}) part ORDER BY part, priority DESC, row_id
)"
    ))
}

fn candidates<'a, ST>(sql: Sql<'a, ST>, pick: Pick<'a>, range: Option<Range>) -> Sql<'a, ST> {
    let sql = sql.text("\n        SELECT t.id, o.id AS row_id, o.priority FROM ");
    let ready = TaskStatus::Ready;
    // In words of which there are no statistics. By those of the status few tasks may be Ready, or none, as where workers
    // had kept up when they were counted; the planner would begin at those, and read all tasks for it.
    let task = format!(
        "
        JOIN task_executions t ON t.id = o.task_execution_id
        WHERE NOT o.held AND CASE WHEN t.status = '{ready}' THEN true ELSE false END"
    );
    let (sql, order) = match pick.queues {
        Some(queues @ ([] | [_, _, ..])) => {
            let sql = merged(sql, queues, range).text(" queued JOIN task_outbox o USING (id)");
            (sql.text(task), "queued.priority DESC, queued.id")
        }
        Some([queue]) => {
            let sql = sql.text("task_outbox o").text(task);
            let sql = sql.text(" AND o.queue = ").bind(Bind::Text(queue));
            (within(sql, OF_QUEUE, range), OF_QUEUE)
        }
        None => {
            let sql = sql.text("task_outbox o").text(task);
            (within(sql, OF_ALL, range), OF_ALL)
        }
    };
    let due = if pick.unless_due {
        "
            AND (SELECT min(due_at) <= clock_timestamp() FROM task_schedule) IS NOT TRUE"
    } else {
        ""
    };
    sql.text(format!(
        "{due}
        ORDER BY {order} LIMIT {BATCH}
        FOR UPDATE OF o SKIP LOCKED FOR NO KEY UPDATE OF t SKIP LOCKED"
    ))
}

/// The rows of each queue by an index that has them in order, which the database merges.
///
/// The limits are for the planner, as that of the batch. They are far more than the rows of claims that are under way,
/// which are passed over.
fn merged<'a, ST>(sql: Sql<'a, ST>, queues: &'a [String], range: Option<Range>) -> Sql<'a, ST> {
    let mut union = "(\n            ";
    let mut sql = sql;
    for queue in queues {
        sql = sql
            .text(std::mem::replace(&mut union, "\n            UNION ALL "))
            .text("(SELECT o.id, o.priority + 0 AS priority FROM task_outbox o WHERE NOT o.held AND o.queue = ")
            .bind(Bind::Text(queue));
        sql = within(sql, OF_QUEUE, range).text(format!(" ORDER BY {OF_QUEUE} LIMIT 10000)"));
    }
    sql.text("\n            ORDER BY priority DESC, id LIMIT 10000\n        )")
}

/// The order of claims from all queues, which is that of their index.
const OF_ALL: &str = "o.priority DESC, o.id";
/// The order of claims from one queue. The index of all queues does not have it: where the statistics know of one queue
/// only, the planner would read that one for any other, to its end.
const OF_QUEUE: &str = "(o.priority + 0) DESC, o.id";

/// The rows of a range, by the index of the order.
fn within<'a, ST>(sql: Sql<'a, ST>, order: &str, range: Option<Range>) -> Sql<'a, ST> {
    let column = order.split(" DESC").next().unwrap_or_default();
    let priority = |sql: Sql<'a, ST>, comparison: &str, level: i32| {
        sql.text(format!(" AND {column} {comparison} "))
            .bind(Bind::Integer(level.into()))
            .text("::integer")
    };
    match range {
        None => sql,
        Some(Range::Above(level)) => priority(sql, ">", level),
        Some(Range::Between(above, below)) => priority(priority(sql, "<", above), ">", below),
        Some(Range::Below(level)) => priority(sql, "<", level),
        Some(Range::From {
            priority: level,
            row,
        }) => priority(sql, "=", level)
            .text(" AND o.id >= ")
            .bind(Bind::Integer(row)),
    }
}
