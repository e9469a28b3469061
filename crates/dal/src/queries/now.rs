//! The clock of the database.

use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;
use taskbox_schema::sql_types;

use super::Sql;
use crate::{Result, connection::Connection};

/// What it shows.
pub(crate) async fn now(connection: &mut Connection<'_>) -> Result<DateTime<Utc>> {
    let statement: Sql<'_, sql_types::Timestamptz> = Sql::new("SELECT ").now();
    on!(connection, |c| Ok(statement.get_result(c).await?))
}
