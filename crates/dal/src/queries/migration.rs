//! Queries on Diesel's record of the migrations.

use diesel_async::RunQueryDsl;
use taskbox_schema::sql_types;

use super::Sql;
use crate::{Result, connection::Connection};

/// The versions that the database has; none also if it keeps no record yet, which is left so.
pub(crate) async fn applied(connection: &mut Connection<'_>) -> Result<Vec<String>> {
    let recorded: Sql<'_, sql_types::Bool> = Sql::new("SELECT ").either(
        "to_regclass('__diesel_schema_migrations') IS NOT NULL",
        "EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '__diesel_schema_migrations')",
    );
    let recorded: Vec<bool> = on!(connection, |c| recorded.load(c).await?);
    if recorded != [true] {
        return Ok(Vec::new());
    }
    let versions: Sql<'_, sql_types::Text> =
        Sql::new("SELECT version FROM __diesel_schema_migrations ORDER BY version");
    on!(connection, |c| Ok(versions.load(c).await?))
}
