//! Queries on `task_schedule`.

use std::time::Duration;

use diesel_async::RunQueryDsl;
use taskbox_schema::sql_types;

use super::Sql;
use crate::{Result, connection::Connection};

/// How long it is until the next task is due, zero if one is; `None` if none is scheduled.
pub(crate) async fn next_due(connection: &mut Connection<'_>) -> Result<Option<Duration>> {
    // The microseconds until then, and not the moment: nobody's clock but the database's is asked.
    let statement: Sql<'_, sql_types::Int8> = Sql::new("SELECT ")
        .either("(extract(epoch FROM due_at - ", "due_at - ")
        .now()
        .either(") * 1000000)::bigint", "")
        .text(" FROM task_schedule ORDER BY due_at LIMIT 1");
    let mut rows: Vec<i64> = on!(connection, |c| statement.load(c).await?);
    let microseconds = rows.pop();
    Ok(microseconds.map(|left| Duration::from_micros(u64::try_from(left).unwrap_or_default())))
}
