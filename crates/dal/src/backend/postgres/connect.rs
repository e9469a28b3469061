//! The one way to a connection.

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio_postgres::{
    NoTls, Socket,
    tls::{MakeTlsConnect, TlsConnect, TlsStream},
};

use super::{Server, reason::reason, tls::Tls};

/// Nets for what no client can promise: a client that vanishes while its statement runs is noticed in
/// half a second, and one that freezes in a transaction loses it, with its locks, in a minute.
///
/// Compiling a statement just in time pays for queries of minutes: for a batch of ten thousand tasks it took
/// longer than running it.
const SETTINGS: &str = "SET client_connection_check_interval = '500ms';
    SET jit = off;
    SET idle_in_transaction_session_timeout = '60s'";

/// A connection to the server, secured as its URL asks and with the settings of Taskbox.
pub(crate) async fn connect(server: Server) -> ConnectionResult<AsyncPgConnection> {
    let Server { config, tls } = server;
    let mut connection = match tls {
        None => open(&config, NoTls).await,
        Some(tls) => open(&config, connector(tls).await?).await,
    }?;
    connection
        .batch_execute(SETTINGS)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// On a thread of its own, since it reads files.
async fn connector(tls: Tls) -> ConnectionResult<tokio_postgres_rustls::MakeRustlsConnect> {
    let read = tokio::task::spawn_blocking(move || tls.connector());
    read.await
        .map_err(|error| error.to_string())
        .flatten()
        .map_err(|problem| ConnectionError::BadConnection(format!("the URL {problem}")))
}

async fn open<T>(config: &tokio_postgres::Config, tls: T) -> ConnectionResult<AsyncPgConnection>
where
    T: MakeTlsConnect<Socket>,
    T::TlsConnect: TlsConnect<Socket>,
    T::Stream: TlsStream + Send + Unpin + 'static,
{
    let (client, connection) = config
        .connect(tls)
        .await
        .map_err(|error| ConnectionError::BadConnection(reason(&error)))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}
