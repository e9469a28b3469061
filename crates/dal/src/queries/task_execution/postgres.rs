//! Making tasks on Postgres: one statement over arrays.

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
    sql_types::BigInt,
};
use taskbox_models::{EventType, PipelineStatus, Transition};

use super::{Insert, MADE, Made, MadeRow, reopened};
use crate::{
    backend::postgres::Line,
    fault::Faults,
    queries::{Bind, Sql, transition::parts},
};

/// Makes the tasks, and answers with each and the id of the transaction, in no order.
pub(super) async fn insert(
    line: &mut Line<'_>,
    tasks: &[Insert<'_>],
    faults: &Faults,
) -> QueryResult<Vec<(Made, i64)>> {
    faults.reach("create: insert")?;
    let ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    let made = line.load(statement(&ids, tasks)).await;
    let made = made.map_err(or_made_meanwhile)?;
    faults.reach("create: done")?;
    Ok(made)
}

/// A task of a chosen id that another transaction made after this one had looked for it: whoever tries again
/// finds it there.
fn or_made_meanwhile(error: Error) -> Error {
    match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
            if info.constraint_name() == Some("task_executions_pkey") =>
        {
            Error::DatabaseError(DatabaseErrorKind::SerializationFailure, info)
        }
        other => other,
    }
}

pub(crate) fn statement<'a>(
    ids: &'a [uuid::Uuid],
    tasks: &'a [Insert<'a>],
) -> Sql<'a, (MadeRow, BigInt)> {
    let new = || tasks.iter().map(|task| task.new);
    let sql = Sql::new(
        "WITH input AS MATERIALIZED (
    SELECT * FROM unnest(",
    )
    .bind(Bind::Ids(ids))
    .text(", ")
    .bind(Bind::OptionalIds(
        new().map(|new| new.pipeline_execution_id).collect(),
    ))
    .text(", ")
    .bind(Bind::Texts(
        new().map(|new| new.task_name.as_str()).collect(),
    ))
    .text(", ")
    .bind(Bind::Texts(new().map(|new| new.queue.as_str()).collect()))
    .text(", ")
    .bind(Bind::Integers(new().map(|new| new.priority).collect()))
    .text(", ")
    .bind(Bind::Integers(new().map(|new| new.max_attempts).collect()))
    .text(", ")
    .bind(Bind::OptionalJson(
        new().map(|new| new.input.as_ref()).collect(),
    ))
    .text(", ")
    .bind(Bind::Texts(
        new().map(|new| new.run_when.as_str()).collect(),
    ))
    .text(", ")
    .bind(Bind::Integers(
        tasks.iter().map(|task| task.open_dependencies).collect(),
    ))
    .text(", ")
    .bind(Bind::OptionalJson(
        tasks.iter().map(Insert::trace_context).collect(),
    ))
    .text(INPUT);
    // A guard has the planner expect one row.
    let sql = match tasks {
        [_] => sql.guard("\n    WHERE "),
        _ => sql,
    };
    sql.text(rest())
}

const INPUT: &str = ")
    WITH ORDINALITY AS input (
        id, pipeline_execution_id, task_name, queue, priority, max_attempts, input, run_when,
        open_dependencies, trace_context, ord
    )";

fn rest() -> String {
    let outcome = parts::only_outcome(Transition::Create.rule());
    let (status, event) = (outcome.to, outcome.event);
    let running = PipelineStatus::Running;
    let reopened_event = EventType::PipelineReopened;
    let reopened = reopened();
    format!(
        "
),
pipelines AS MATERIALIZED (
    SELECT p.id, p.status, count(*)::integer AS made
    FROM pipeline_executions p JOIN input ON input.pipeline_execution_id = p.id
    GROUP BY p.id
),
made AS (
    INSERT INTO task_executions (
        id, pipeline_execution_id, task_name, queue, priority, max_attempts, input, run_when,
        open_dependencies, trace_context, status
    )
    SELECT id, pipeline_execution_id, task_name, queue, priority, max_attempts, input, run_when,
        open_dependencies, trace_context, '{status}'
    FROM input ORDER BY ord
    RETURNING {MADE}
),
counted AS (
    UPDATE pipeline_executions p SET
        open_tasks = p.open_tasks + n.made,
        status = CASE WHEN p.status IN ({reopened}) THEN '{running}' ELSE p.status END,
        updated_at = clock_timestamp()
    FROM pipelines n WHERE p.id = n.id
),
logged AS (
    INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)
    SELECT pipeline_id, task_id, event_type FROM (
        SELECT 0 AS part, 0 AS ord, id AS pipeline_id, NULL::uuid AS task_id,
            '{reopened_event}' AS event_type
        FROM pipelines WHERE status IN ({reopened})
        UNION ALL
        SELECT 1, ord, pipeline_execution_id, id, '{event}' FROM input
    ) event ORDER BY part, ord
)
SELECT {MADE}, pg_current_xact_id()::text::bigint FROM made"
    )
}
