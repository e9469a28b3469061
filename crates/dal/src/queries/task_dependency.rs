//! Queries on `task_dependencies`.

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;
use taskbox_models::{DependencyOutput, EventType, RunWhen, TaskStatus};
use taskbox_schema::{bind, sql_types, task_dependencies, task_executions};
use uuid::Uuid;

#[cfg(feature = "sqlite")]
use super::json_of_pairs;
use super::{Bind, Sql, transition::parts};
use crate::{Result, connection::Connection};

/// Makes each task of the first list wait for that in the same place of the second.
pub(crate) async fn insert(
    connection: &mut Connection<'_>,
    tasks: &[Uuid],
    dependencies: &[Uuid],
) -> Result<()> {
    let insert = "INSERT INTO task_dependencies (task_execution_id, dependency_id)\n";
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => {
            let statement: Sql<'_> = Sql::new(insert)
                .text("SELECT * FROM unnest(")
                .bind(Bind::Ids(tasks))
                .text(", ")
                .bind(Bind::Ids(dependencies))
                .text(")");
            statement.execute(line.begun().await?).await?;
        }
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => {
            let c = line.begun().await?;
            // One list: of two, each entry of one would be compared with each of the other.
            let statement: Sql<'_> = Sql::new(insert)
                .text(
                    "SELECT unhex(substr(value, 1, 32)), unhex(substr(value, 33)) FROM json_each(",
                )
                .bind(Bind::Json(json_of_pairs(tasks, dependencies)))
                .text(")");
            statement.execute(c).await?;
        }
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
    Ok(())
}

/// Those of the tasks that are there, with their pipelines and statuses.
pub(crate) async fn pipelines_of(
    connection: &mut Connection<'_>,
    tasks: &[Uuid],
) -> Result<Vec<(Uuid, Option<Uuid>, TaskStatus)>> {
    type Row = (
        sql_types::Uuid,
        diesel::sql_types::Nullable<sql_types::Uuid>,
        sql_types::Text,
    );
    let statement: Sql<'_, Row> =
        Sql::new("SELECT id, pipeline_execution_id, status FROM task_executions WHERE id ")
            .bind(Bind::any_of(tasks));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// What a task waits for, in the order of their ids; empty also if there is no such task.
pub(crate) async fn outputs(
    connection: &mut Connection<'_>,
    task: Uuid,
) -> Result<Vec<DependencyOutput>> {
    let query = task_dependencies::table
        .inner_join(
            task_executions::table.on(task_executions::id.eq(task_dependencies::dependency_id)),
        )
        .filter(task_dependencies::task_execution_id.eq(bind::Uuid(task)))
        .order(task_executions::id);
    on!(connection, |c| Ok(query
        .select(DependencyOutput::as_select())
        .load(c)
        .await?))
}

/// The tasks that will never be ready, now that these have ended: those that need one to complete that did not, and
/// those that need one of them. In no order.
pub(crate) async fn doomed(connection: &mut Connection<'_>, ended: &[Uuid]) -> Result<Vec<Uuid>> {
    let (waiting, strict) = (TaskStatus::NotStarted, RunWhen::AllCompleted);
    let completed = TaskStatus::Completed;
    let statement: Sql<'_, sql_types::Uuid> = Sql::new(format!(
        "WITH RECURSIVE doomed (id) AS (
    SELECT t.id FROM task_dependencies d
    JOIN task_executions x ON x.id = d.dependency_id
    JOIN task_executions t ON t.id = d.task_execution_id
    WHERE x.status <> '{completed}' AND t.status = '{waiting}' AND t.run_when = '{strict}'
        AND d.dependency_id "
    ))
    .bind(Bind::any_of(ended))
    .text(
        "
    UNION
    SELECT t.id FROM doomed
    CROSS JOIN ",
    )
    // Looked up for each, whatever the planner thinks of how many there are.
    .either(
        "LATERAL (SELECT * FROM task_dependencies WHERE dependency_id = doomed.id OFFSET 0)",
        "task_dependencies",
    )
    .text(format!(
        " d
    JOIN task_executions t ON t.id = d.task_execution_id
    WHERE d.dependency_id = doomed.id AND t.status = '{waiting}' AND t.run_when = '{strict}'
)
SELECT id FROM doomed"
    ));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// The tasks that were skipped for this reason because of these, which were brought back, or because of one that was
/// skipped so: all those of which no other dependency stands in the way. In no order.
pub(crate) async fn skipped_because_of(
    connection: &mut Connection<'_>,
    back: &[Uuid],
    reason: &str,
) -> Result<Vec<Uuid>> {
    let (skipped, completed) = (TaskStatus::Skipped, TaskStatus::Completed);
    let (event, terminal) = (EventType::TaskSkipped, parts::ended());
    // By hand a task may have been skipped as well, and stays so.
    let last_reason = format!(
        "(
        SELECT e.event_data ->> 'reason' FROM execution_events e
        WHERE e.task_execution_id = t.id AND e.event_type = '{event}' ORDER BY e.id DESC LIMIT 1
    )"
    );
    let statement: Sql<'_, sql_types::Uuid> = Sql::new(format!(
        "WITH RECURSIVE candidates (id) AS (
    SELECT t.id FROM task_dependencies d JOIN task_executions t ON t.id = d.task_execution_id
    WHERE t.status = '{skipped}' AND {last_reason} = "
    ))
    .bind(Bind::Text(reason))
    .text(" AND d.dependency_id ")
    .bind(Bind::any_of(back))
    .text("\n    UNION\n    SELECT t.id FROM candidates\n    CROSS JOIN ")
    .either(
        "LATERAL (SELECT * FROM task_dependencies WHERE dependency_id = candidates.id OFFSET 0)",
        "task_dependencies",
    )
    .text(format!(
        " d
    JOIN task_executions t ON t.id = d.task_execution_id
    WHERE d.dependency_id = candidates.id AND t.status = '{skipped}' AND {last_reason} = "
    ))
    .bind(Bind::Text(reason))
    .text(format!(
        "
),
blocked (id) AS (
    SELECT c.id FROM candidates c
    JOIN task_dependencies d ON d.task_execution_id = c.id
    JOIN task_executions x ON x.id = d.dependency_id
    WHERE x.status IN ({terminal}) AND x.status <> '{completed}'
        AND x.id NOT IN (SELECT id FROM candidates)
    UNION
    SELECT c.id FROM blocked
    JOIN task_dependencies d ON d.dependency_id = blocked.id
    JOIN candidates c ON c.id = d.task_execution_id
)
SELECT id FROM candidates EXCEPT SELECT id FROM blocked"
    ));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// Counts the end of these tasks in those that wait for them, and answers with the ones that wait for no more, in the
/// order of their ids.
pub(crate) async fn count_down(
    connection: &mut Connection<'_>,
    ended: &[Uuid],
) -> Result<Vec<Uuid>> {
    const CHANGED: &str = "FROM task_executions t
    JOIN (
        SELECT task_execution_id AS id, count(*) AS ended FROM task_dependencies
        WHERE dependency_id ";
    let terminal = parts::ended();
    let statement: Sql<'_, (sql_types::Uuid, sql_types::Text, sql_types::Int4)> =
        Sql::new(format!(
            "WITH waiting AS MATERIALIZED (
    SELECT t.id AS task, n.ended {CHANGED}"
        ))
        .bind(Bind::any_of(ended))
        .text(format!(
            " GROUP BY task_execution_id
    ) n ON n.id = t.id
    WHERE t.status NOT IN ({terminal})
    ORDER BY t.id"
        ))
        .on_postgres(" FOR NO KEY UPDATE OF t")
        .text(
            "
)
UPDATE task_executions AS t SET open_dependencies = t.open_dependencies - w.ended,
    updated_at = ",
        )
        .now()
        .text(
            "
FROM waiting w WHERE t.id = w.task
RETURNING id, status, open_dependencies",
        );
    let counted: Vec<(Uuid, TaskStatus, i32)> = on!(connection, |c| statement.load(c).await?);
    let mut ready: Vec<Uuid> = counted
        .into_iter()
        .filter(|(_, status, open)| *status == TaskStatus::NotStarted && *open == 0)
        .map(|row| row.0)
        .collect();
    ready.sort_unstable();
    Ok(ready)
}

/// Counts anew how many dependencies have not ended, in tasks that were brought back and in those that wait for them.
pub(crate) async fn recount(connection: &mut Connection<'_>, tasks: &[Uuid]) -> Result<()> {
    let terminal = parts::ended();
    let statement: Sql<'_> = Sql::new(
        "WITH waiting AS MATERIALIZED (
    SELECT t.id AS task FROM task_executions t
    WHERE (t.id ",
    )
    .bind(Bind::any_of(tasks))
    .text(" OR t.id IN (\n        SELECT task_execution_id FROM task_dependencies WHERE dependency_id ")
    .bind(Bind::any_of(tasks))
    .text(format!(
        "
    )) AND t.status NOT IN ({terminal})
    ORDER BY t.id"
    ))
    .on_postgres(" FOR NO KEY UPDATE OF t")
    .text(format!(
        "
)
UPDATE task_executions AS t SET open_dependencies = (
    SELECT count(*) FROM task_dependencies d JOIN task_executions x ON x.id = d.dependency_id
    WHERE d.task_execution_id = t.id AND x.status NOT IN ({terminal})
), updated_at = "
    ))
    .now()
    .text("\nFROM waiting w WHERE t.id = w.task");
    on!(connection, |c| statement.execute(c).await?);
    Ok(())
}
