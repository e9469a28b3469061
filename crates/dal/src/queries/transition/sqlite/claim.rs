//! The claim on SQLite: the rows of the outbox in their order, then the transition's statements.

use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use serde_json::Value;
use taskbox_models::{Claim, TaskStatus, Transition};
use uuid::Uuid;

use super::{
    super::{Pick, source::ClaimRow},
    NOW,
    input::Input,
    look::{Found, Row},
    move_found,
};
use crate::{
    backend::sqlite::Line,
    fault::Faults,
    queries::{Bind, Sql},
};

pub(crate) async fn claim(
    line: &mut Line<'_>,
    pick: Pick<'_>,
    faults: Faults,
) -> QueryResult<Vec<Claim>> {
    let (worker, limit, unless_due) = (pick.worker, pick.limit, pick.unless_due);
    let queues = pick.queues.map(<[String]>::to_vec);
    line.run_last(
        move |connection| {
            let pick = Pick {
                worker,
                limit,
                queues: queues.as_deref(),
                unless_due,
            };
            run(connection, pick, &faults)
        },
        |claims| !claims.is_empty(),
    )
    .await
}

fn run(
    connection: &mut SqliteConnection,
    pick: Pick<'_>,
    faults: &Faults,
) -> QueryResult<Vec<Claim>> {
    faults.reach("claim: look")?;
    let found: Vec<Found> = picked(pick).load(connection)?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let moving: Vec<&Found> = found.iter().collect();
    let worker = Value::from(pick.worker.to_string());
    let rows = found.iter().map(|found| (found.task, vec![worker.clone()]));
    let input = Input::rows(vec!["worker"], rows);
    move_found(
        connection,
        Transition::Claim.rule(),
        &moving,
        &input,
        faults,
    )?;
    let ids: Vec<Uuid> = found.iter().map(|found| found.task).collect();
    claims(&ids).load(connection)
}

/// The rows of the outbox in their order.
fn picked(pick: Pick<'_>) -> Sql<'_, Row> {
    let (ready, running) = (TaskStatus::Ready, TaskStatus::Running);
    let sql = Sql::new(format!(
        "SELECT o.id, t.id, t.status, t.pipeline_execution_id, NULL, '{running}', NULL, {NOW}, false FROM "
    ));
    // The limit keeps SQLite from mixing the parts into the statement around, which would lose their order. That
    // statement has no order of its own, or SQLite would sort all of them again.
    let (sql, queue, order) = match pick.queues {
        Some(queues @ ([] | [_, _, ..])) => {
            let sql = one_by_one(sql.text("("), queues);
            let joined = "\n    ORDER BY priority DESC, id LIMIT -1\n) c CROSS JOIN task_outbox o ON o.id = c.id";
            (sql.text(joined), None, "")
        }
        Some([queue]) => (sql.text("task_outbox o"), Some(queue), IN_ORDER),
        None => (sql.text("task_outbox o"), None, IN_ORDER),
    };
    let due = if pick.unless_due {
        format!("\n    AND NOT EXISTS (SELECT 1 FROM task_schedule WHERE due_at <= {NOW})")
    } else {
        String::new()
    };
    // CROSS JOIN, which SQLite takes in the order in which it is written.
    let sql = sql
        .text(format!(
            "
CROSS JOIN task_executions t ON t.id = o.task_execution_id
WHERE o.held = 0 AND t.status = '{ready}'{due}
    AND EXISTS (SELECT 1 FROM task_workers w WHERE w.id = "
        ))
        .bind(Bind::Id(pick.worker))
        .text(format!(" AND w.lease_expires_at > {NOW})"));
    let sql = match queue {
        Some(queue) => sql.text(" AND o.queue = ").bind(Bind::Text(queue)),
        None => sql,
    };
    sql.text(format!("{order}\nLIMIT "))
        .bind(Bind::Integer(pick.limit))
}

const IN_ORDER: &str = "\nORDER BY o.priority DESC, o.id";

/// The rows of each queue by an index that has them in order, which the database merges.
fn one_by_one<'a, ST>(sql: Sql<'a, ST>, queues: &'a [String]) -> Sql<'a, ST> {
    let mut union = "";
    queues.iter().fold(sql, |sql, queue| {
        let before = std::mem::replace(&mut union, "\n    UNION ALL ");
        sql.text(before)
            .text("SELECT id, priority FROM task_outbox WHERE held = 0 AND queue = ")
            .bind(Bind::Text(queue))
    })
}

/// The claims that were just made, in the order given.
fn claims<'a>(tasks: &[Uuid]) -> Sql<'a, ClaimRow> {
    Input::ids(tasks).with(
        "
SELECT t.id, t.pipeline_execution_id, t.task_name, t.input, t.attempt, t.epoch, c.worker_id,
    t.trace_context
FROM input
CROSS JOIN task_executions t ON t.id = input.id
CROSS JOIN task_claims c ON c.task_execution_id = t.id
ORDER BY input.ord",
    )
}
