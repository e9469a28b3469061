//! Which rows have a text that cannot be read.

use diesel_async::RunQueryDsl;
use taskbox_schema::sql_types;
use uuid::Uuid;

use super::{Bind, Sql};
use crate::{Result, connection::Connection};

/// How many rows are looked at: no column of texts has an index.
const LOOK: i64 = 10_000;

/// How many of them are named.
const NAMED: i64 = 3;

/// How many characters of a text an error shows, and a row is found by.
pub(crate) const SHOWN: usize = 100;

/// The ids of rows whose column, named with its table, begins with this text: newest first. Empty also if it is in none
/// of the newest rows of the table.
pub(crate) async fn rows(
    connection: &mut Connection<'_>,
    column: &'static str,
    text: &str,
) -> Result<Vec<String>> {
    let (table, column) = column.split_once('.').unwrap_or_default();
    if table == "execution_events" {
        let statement: Sql<'_, sql_types::Int8> = look(table, column, text);
        let ids: Vec<i64> = on!(connection, |c| statement.load(c).await?);
        return Ok(ids.iter().map(ToString::to_string).collect());
    }
    let statement: Sql<'_, sql_types::Uuid> = look(table, column, text);
    let ids: Vec<Uuid> = on!(connection, |c| statement.load(c).await?);
    Ok(ids.iter().map(ToString::to_string).collect())
}

fn look<'a, ST>(table: &str, column: &str, text: &'a str) -> Sql<'a, ST> {
    Sql::new(format!(
        "SELECT n.id FROM (
    SELECT id, {column} AS found FROM {table} ORDER BY id DESC LIMIT {LOOK}
) n
WHERE substr(n.found, 1, {SHOWN}) = "
    ))
    .bind(Bind::Text(text))
    .text(format!("\nORDER BY n.id DESC LIMIT {NAMED}"))
}
