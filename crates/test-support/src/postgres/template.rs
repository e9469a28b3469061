//! The migrated database that each test's is a copy of: made once per server and state of the migrations.

use super::connection::Connection;
use super::{server, url_of};
use crate::migrations::fingerprint;

/// Taken by whoever makes a template, so that test processes and threads don't make it at once.
const LOCK: &str = "hashtext('taskbox test template')";

/// Its name. It exists once this returns.
pub(super) async fn template(connection: &Connection, script: &str) -> String {
    let name = format!("taskbox_template_{}", fingerprint(script));
    if !exists(connection, &name).await {
        let lock = format!("SELECT pg_advisory_lock({LOCK})");
        connection.execute(&lock).await;
        if !exists(connection, &name).await {
            make(connection, &name, script).await;
        }
        let unlock = format!("SELECT pg_advisory_unlock({LOCK})");
        connection.execute(&unlock).await;
    }
    name
}

async fn exists(connection: &Connection, name: &str) -> bool {
    let sql = format!("SELECT datname FROM pg_database WHERE datname = '{name}'");
    !connection.query(&sql).await.is_empty()
}

/// It gets its name last, so that nobody copies the remains of a process that was killed in here.
async fn make(connection: &Connection, name: &str, script: &str) {
    let unfinished = format!("{name}_unfinished");
    let drop = format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)");
    connection.execute(&drop).await;
    let create = format!("CREATE DATABASE {unfinished} TEMPLATE template0");
    connection.execute(&create).await;
    migrate(&unfinished, script).await;
    let rename = format!("ALTER DATABASE {unfinished} RENAME TO {name}");
    connection.execute(&rename).await;
}

/// Its connection is closed by the end, since only a database that nobody uses can be renamed.
async fn migrate(database: &str, script: &str) {
    let url = url_of(&server(), database);
    Connection::open(&url).await.execute(script).await;
}
