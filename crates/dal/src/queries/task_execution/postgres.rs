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

/// What all tasks have in common is one row beside the list, since to read it out of lists takes longer: tasks that are
/// made together mostly differ in their inputs alone.
pub(crate) fn statement<'a>(
    ids: &'a [uuid::Uuid],
    tasks: &'a [Insert<'a>],
) -> Sql<'a, (MadeRow, BigInt)> {
    let inputs = tasks.iter().map(|task| task.new.input.as_ref());
    let sql = Sql::new("WITH input AS MATERIALIZED (\n    SELECT * FROM unnest(")
        .bind(Bind::Ids(ids))
        .text(", ")
        .bind(Bind::OptionalJson(inputs.collect()));
    let sql = match tasks {
        [first, rest @ ..] if rest.iter().all(|task| task.is_like(first)) => {
            let sql = sql.text(") WITH ORDINALITY AS own (id, input, ord)\n    CROSS JOIN (SELECT");
            common(sql, &tasks[..1]).text(") common")
        }
        _ => listed(sql, tasks),
    };
    // A guard has the planner expect one row.
    let sql = match tasks {
        [_] => sql.guard("\n    WHERE "),
        _ => sql,
    };
    sql.text(rest())
}

/// What tasks may have in common.
const COLUMNS: [&str; 8] = [
    "pipeline_execution_id",
    "task_name",
    "queue",
    "priority",
    "max_attempts",
    "run_when",
    "open_dependencies",
    "trace_context",
];

/// As values, and not as a list of one: the planner would plan each call anew for that.
fn common<'a, ST>(sql: Sql<'a, ST>, first: &'a [Insert<'a>]) -> Sql<'a, ST> {
    let mut begin = " (";
    let columns = COLUMNS.into_iter().zip(lists(first));
    columns.fold(sql, |sql, (column, list)| {
        let begin = std::mem::replace(&mut begin, ", (");
        sql.text(begin).bind(list).text(format!(")[1] AS {column}"))
    })
}

fn listed<'a, ST>(sql: Sql<'a, ST>, tasks: &'a [Insert<'a>]) -> Sql<'a, ST> {
    let sql = lists(tasks)
        .into_iter()
        .fold(sql, |sql, list| sql.text(", ").bind(list));
    let columns = COLUMNS.join(", ");
    sql.text(format!(
        ")\n    WITH ORDINALITY AS input (id, input, {columns}, ord)"
    ))
}

/// A list for each of [`COLUMNS`].
fn lists<'a>(tasks: &'a [Insert<'a>]) -> [Bind<'a>; COLUMNS.len()] {
    let new = || tasks.iter().map(|task| task.new);
    let pipelines = new().map(|new| new.pipeline_execution_id).collect();
    let names = new().map(|new| new.task_name.as_str()).collect();
    let queues = new().map(|new| new.queue.as_str()).collect();
    let conditions = new().map(|new| new.run_when.as_str()).collect();
    let open = tasks.iter().map(|task| task.open_dependencies).collect();
    [
        Bind::OptionalIds(pipelines),
        Bind::Texts(names),
        Bind::Texts(queues),
        Bind::Integers(new().map(|new| new.priority).collect()),
        Bind::Integers(new().map(|new| new.max_attempts).collect()),
        Bind::Texts(conditions),
        Bind::Integers(open),
        Bind::OptionalJson(tasks.iter().map(Insert::trace_context).collect()),
    ]
}

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
