//! The one way to a connection.

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use tokio_postgres::{
    NoTls, Socket,
    tls::{MakeTlsConnect, TlsConnect, TlsStream},
};

use super::{Server, reason::reason, session, tls::Tls};

/// A connection to the server, secured as its URL asks, in its schema, and with the settings of Taskbox.
pub(crate) async fn connect(server: Server) -> ConnectionResult<AsyncPgConnection> {
    let Server {
        config,
        tls,
        schema,
    } = server;
    let mut connection = match tls {
        None => open(&config, NoTls).await,
        Some(tls) => open(&config, connector(tls).await?).await,
    }?;
    session::set_up(&mut connection, schema.as_ref()).await?;
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
