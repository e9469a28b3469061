//! Databases on a Postgres server that somebody else runs, or on one of their own.

mod connection;
mod own_server;
mod template;

use std::{env, path::PathBuf, thread};

use tokio::runtime;
use uuid::Uuid;

use self::connection::Connection;
pub use self::own_server::{Disk, OwnServer};
use self::template::template;
use crate::canary::PASSWORD_IN_URL;

const POOLER: &str = "TASKBOX_POSTGRES_POOLER";
const SERVER: &str = "TASKBOX_POSTGRES_URL";
const CERTIFICATES: &str = "TASKBOX_POSTGRES_CERTIFICATES";
/// The name of a database on a server of its own.
const ALONE: &str = "taskbox_test";

#[derive(Debug)]
pub(crate) struct Database {
    server: String,
    name: String,
    /// Where its own connections look; `None` is where the server looks by itself.
    schema: Option<String>,
    /// The server, if it has one to itself.
    own_server: Option<OwnServer>,
}

impl Database {
    /// Migrated, on a server of its own.
    pub(crate) async fn alone(script: &str) -> Self {
        let own_server = OwnServer::start("alone");
        let create = format!("CREATE DATABASE {ALONE}");
        let server = Connection::open(own_server.url()).await;
        server.execute(&create).await;
        Self::on(own_server, script).await
    }

    /// Migrated, on a server of its own, with its tables on one small disk and the server's log on another.
    pub(crate) async fn cramped(script: &str) -> Self {
        let own_server = OwnServer::start("cramped");
        let tables = own_server.tables();
        let tables = format!("CREATE TABLESPACE small LOCATION '{}'", tables.display());
        let create = format!("CREATE DATABASE {ALONE} TABLESPACE small");
        let server = Connection::open(own_server.url()).await;
        server.execute(&tables).await;
        server.execute(&create).await;
        Self::on(own_server, script).await
    }

    async fn on(own_server: OwnServer, script: &str) -> Self {
        let database = Self {
            server: own_server.url().to_owned(),
            name: ALONE.to_owned(),
            schema: None,
            own_server: Some(own_server),
        };
        let migrate = database.execute(script).await;
        migrate.unwrap_or_else(|error| panic!("the Postgres migrations fail: {error}"));
        database
    }

    pub(crate) async fn migrated(script: &str) -> Self {
        let connection = Connection::open(&server()).await;
        let template = template(&connection, script).await;
        Self::copy_of(&template, &connection).await
    }

    pub(crate) async fn empty() -> Self {
        let connection = Connection::open(&server()).await;
        Self::copy_of("template0", &connection).await
    }

    /// Copied through the log, which unlike copying the files waits for no checkpoint.
    async fn copy_of(template: &str, connection: &Connection) -> Self {
        let name = format!("taskbox_test_{}", Uuid::now_v7().simple());
        connection
            .execute(&format!(
                "CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log"
            ))
            .await;
        Self {
            server: server(),
            name,
            schema: None,
            own_server: None,
        }
    }

    pub(crate) fn within(&self, schema: &str) -> Self {
        Self {
            server: self.server.clone(),
            name: self.name.clone(),
            schema: Some(schema.to_owned()),
            own_server: None,
        }
    }

    pub(crate) fn own_server(&self) -> Option<&OwnServer> {
        self.own_server.as_ref()
    }

    /// By the pooler, if there is one.
    pub(crate) fn url(&self) -> String {
        let pooler = pooler().filter(|_| self.own_server.is_none());
        self.url_by(pooler.as_deref().unwrap_or(&self.server))
    }

    fn direct_url(&self) -> String {
        self.url_by(&self.server)
    }

    fn url_by(&self, server: &str) -> String {
        let url = with_password(&url_of(server, &self.name));
        match &self.schema {
            Some(schema) => format!("{url}&options=-csearch_path%3D{schema}"),
            None => url,
        }
    }

    pub(crate) async fn execute(&self, sql: &str) -> Result<(), String> {
        Connection::open(&self.direct_url())
            .await
            .try_execute(sql)
            .await
    }

    pub(crate) async fn query(&self, queries: &[String]) -> Vec<Vec<Vec<Option<String>>>> {
        let connection = Connection::open(&self.direct_url()).await;
        let mut answers = Vec::new();
        for sql in queries {
            answers.push(connection.query(sql).await);
        }
        answers
    }

    /// On a thread and a runtime of its own, since the test's may be what hangs, or be about to end.
    pub(crate) fn remove(&self) {
        if let Some(server) = &self.own_server {
            return server.remove();
        }
        thread::scope(|scope| {
            let removed = scope.spawn(|| on_own_runtime(self.drop_database())).join();
            assert!(
                removed.is_ok() || thread::panicking(),
                "{} could not be dropped, see above",
                self.name
            );
        });
    }

    async fn drop_database(&self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        Connection::open(&self.server).await.execute(&sql).await;
    }
}

fn server() -> String {
    without_tls(variable(SERVER))
}

/// Without TLS unless it says otherwise: a test that looks at what goes over the line has to understand it.
fn without_tls(url: String) -> String {
    match url.split_once('?') {
        None => format!("{url}?sslmode=disable"),
        Some((_, options)) if options.contains("sslmode=") => url,
        Some(_) => format!("{url}&sslmode=disable"),
    }
}

/// The folder with the certificates of the Postgres server, which `cargo xtask test` makes: `ca.pem`, of the issuer;
/// `server.pem`, for the host `localhost`; `client.pem` and `client.key`, for the role `taskbox_certified`.
///
/// The server asks that role for its certificate, the role `taskbox_password` for a password, and nobody else for
/// anything. Neither is there before a test makes it.
#[must_use]
pub fn certificates() -> PathBuf {
    variable(CERTIFICATES).into()
}

/// The pooler before the server by which the programs under test connect, if they are to.
fn pooler() -> Option<String> {
    env::var(POOLER).ok().map(without_tls)
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run the tests through `cargo xtask test`, which starts a Postgres server of its own"
        )
    })
}

/// With the password of the canary, if it has none.
fn with_password(url: &str) -> String {
    match url.split_once('@') {
        Some((user, rest)) if user.matches(':').count() == 1 => {
            format!("{user}:{PASSWORD_IN_URL}@{rest}")
        }
        _ => url.to_owned(),
    }
}

/// The URL of another database on the same server.
fn url_of(server: &str, name: &str) -> String {
    let (address, options) = match server.split_once('?') {
        Some((address, options)) => (address, format!("?{options}")),
        None => (server, String::new()),
    };
    let host = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[host..]
        .find('/')
        .map_or(address.len(), |path| host + path);
    format!("{}/{name}{options}", &address[..end])
}

fn on_own_runtime<T>(work: impl Future<Output = T>) -> T {
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread needs nothing")
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::{url_of, with_password};

    #[test]
    fn a_user_without_a_password_gets_one() {
        let url = with_password("postgres://me@host/postgres");
        assert_eq!(url, "postgres://me:c4n4ry%2Fp4ss@host/postgres");
        assert_eq!(with_password(&url), url);
        assert_eq!(with_password("postgres://host/x"), "postgres://host/x");
    }

    #[test]
    fn only_the_name_of_the_database_changes() {
        for (server, expected) in [
            (
                "postgres://me@host:5432/postgres",
                "postgres://me@host:5432/x",
            ),
            ("postgres://me@host:5432", "postgres://me@host:5432/x"),
            (
                "postgres://host/?connect_timeout=5",
                "postgres://host/x?connect_timeout=5",
            ),
        ] {
            assert_eq!(url_of(server, "x"), expected);
        }
    }
}
