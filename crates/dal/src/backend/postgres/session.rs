//! What a connection is told, and what it is put back to.

use diesel::{
    ConnectionError, ConnectionResult, QueryResult,
    dsl::sql,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::schema::Schema;

/// Nets for what no client can promise: a client that vanishes while its statement runs is noticed in
/// half a second, and one that freezes in a transaction loses it, with its locks, in a minute.
///
/// Compiling a statement just in time pays for queries of minutes: for a batch of ten thousand tasks it took
/// longer than running it.
///
/// By `default_transaction_deferrable` a statement tells whether the BEGIN that came with it has failed: see
/// [`Line`](super::Line). It means nothing to transactions that write.
macro_rules! settings {
    () => {
        "SET client_connection_check_interval = '500ms';
    SET jit = off;
    SET default_transaction_deferrable = off;
    SET idle_in_transaction_session_timeout = '60s'"
    };
}

/// What DISCARD ALL does, but that it leaves the statements that Diesel has prepared, and may follow another statement.
///
/// RESET goes back to what the server was told when the connection was made: the schema, and the `options` of the URL.
/// The time zone is Diesel's.
const PUT_BACK: &str = concat!(
    "SET SESSION AUTHORIZATION DEFAULT;
    RESET ROLE;
    RESET ALL;
    CLOSE ALL;
    UNLISTEN *;
    SELECT pg_advisory_unlock_all();
    DISCARD TEMP;
    SET TIME ZONE 'UTC';
    ",
    settings!()
);

/// Gives a new connection its settings.
pub(super) async fn set_up(
    connection: &mut AsyncPgConnection,
    schema: Option<&Schema>,
) -> ConnectionResult<()> {
    let set = connection.batch_execute(settings!()).await;
    set.map_err(ConnectionError::CouldntSetupConfiguration)?;
    match schema {
        Some(schema) => require(connection, schema).await,
        None => Ok(()),
    }
}

/// Requires that the server has taken the schema. A pooler may have kept it to itself, and all would go to another.
async fn require(connection: &mut AsyncPgConnection, schema: &Schema) -> ConnectionResult<()> {
    let path = diesel::select(sql::<Text>("current_setting('search_path')"));
    let path: QueryResult<String> = path.get_result(connection).await;
    let path = path.map_err(ConnectionError::CouldntSetupConfiguration)?;
    if path == schema.as_str() {
        return Ok(());
    }
    Err(ConnectionError::BadConnection(format!(
        "the server did not take the schema {schema}: its search_path is {path}; connect to the server itself, or \
         have the pooler between pass `options` on"
    )))
}

/// Makes a connection that the program had as it was when it was new: its settings, its role, and without the locks,
/// the cursors, the channels and the temporary tables of its session.
pub(super) async fn put_back(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    connection.batch_execute(PUT_BACK).await
}

/// Whether transactions that begin in this session can write. What a session was told of that when it was made stays.
pub(crate) async fn takes_writes(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    let setting =
        "current_setting('default_transaction_read_only') = 'off' AND NOT pg_is_in_recovery()";
    diesel::select(sql::<Bool>(setting))
        .get_result(connection)
        .await
}
