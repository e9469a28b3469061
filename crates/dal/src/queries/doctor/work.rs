//! Whether anybody takes what is ready, and can run it.

use diesel_async::RunQueryDsl;
use taskbox_models::EventType;
use taskbox_schema::sql_types;

use super::super::{Bind, Sql, execution_event, transition::parts};
use crate::{Result, connection::Connection};

/// Each queue of which one of the newest events tells of a claim, and how many microseconds ago the last was.
pub(crate) async fn last_claims(
    connection: &mut Connection<'_>,
    limit: i64,
) -> Result<Vec<(String, i64)>> {
    let claimed = EventType::TaskClaimed;
    let statement: Sql<'_, (sql_types::Text, sql_types::Int8)> = Sql::new("SELECT t.queue, ")
        .microseconds_since("max(e.created_at)")
        .text(
            "
FROM (
    SELECT event_type, task_execution_id, created_at FROM execution_events ORDER BY id DESC LIMIT ",
        )
        .bind(Bind::Integer(limit))
        .text(format!(
            "
) e
JOIN task_executions t ON t.id = e.task_execution_id
WHERE e.event_type = '{claimed}' GROUP BY t.queue ORDER BY t.queue"
        ));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// The names of tasks that were put off and did nothing else, with the number of the tasks and of the times.
pub(crate) async fn put_off(
    connection: &mut Connection<'_>,
    within: i64,
    limit: i64,
) -> Result<Vec<(String, i64, i64)>> {
    type Row = (sql_types::Text, sql_types::Int8, sql_types::Int8);
    let (deferred, terminal) = (EventType::TaskDeferred, parts::ended());
    let others = [
        EventType::TaskCompleted,
        EventType::TaskFailed,
        EventType::TaskRetryScheduled,
    ];
    let others = others.map(|event| format!("'{event}'")).join(", ");
    let statement: Sql<'_, Row> = Sql::new(format!(
        "SELECT t.task_name, count(DISTINCT t.id), count(*)
FROM (
    SELECT task_execution_id, created_at FROM execution_events
    WHERE event_type = '{deferred}' AND {}
    ORDER BY id DESC LIMIT ",
        execution_event::is_rare()
    ))
    .bind(Bind::Integer(limit))
    .text("\n) e\nJOIN task_executions t ON t.id = e.task_execution_id\nWHERE e.created_at > ")
    .moment_ago(within)
    .text(format!(
        " AND t.status NOT IN ({terminal})
    AND t.task_name NOT IN (
        SELECT x.task_name FROM (
            SELECT event_type, task_execution_id FROM execution_events ORDER BY id DESC LIMIT "
    ))
    .bind(Bind::Integer(limit))
    .text(format!(
        "
        ) n
        JOIN task_executions x ON x.id = n.task_execution_id WHERE n.event_type IN ({others})
    )
GROUP BY t.task_name ORDER BY count(*) DESC, t.task_name"
    ));
    on!(connection, |c| Ok(statement.load(c).await?))
}
