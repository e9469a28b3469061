//! Queries on `task_schedule`.

use std::time::Duration;

use diesel_async::RunQueryDsl;
use taskbox_schema::sql_types;

use super::{Sql, duration};
use crate::{Result, connection::Connection};

/// How long it is until the next task is due, zero if one is; `None` if none is scheduled.
pub(crate) async fn next_due(connection: &mut Connection<'_>) -> Result<Option<Duration>> {
    // The microseconds until then, and not the moment: nobody's clock but the database's is asked.
    let statement: Sql<'_, sql_types::Int8> = Sql::new("SELECT ")
        .microseconds_until("due_at")
        .text(" FROM task_schedule ORDER BY due_at LIMIT 1");
    let mut rows: Vec<i64> = on!(connection, |c| statement.load(c).await?);
    Ok(rows.pop().map(duration))
}
