//! SQLite in memory.

use rusqlite::Connection;

use super::migrations;

/// A database after all migrations.
pub(crate) fn migrated() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database
        .execute_batch(&migrations::script("sqlite"))
        .unwrap();
    database
}

/// The rows of a query with two columns of text.
pub(crate) fn pairs(database: &Connection, query: &str) -> Vec<(String, String)> {
    let mut query = database.prepare(query).unwrap();
    let rows = query
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.map(Result::unwrap).collect()
}
