//! Databases that last as long as a test.

use std::env;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// An empty database of its own on the server of the tests, dropped with this value.
pub(crate) struct Database {
    name: String,
    pub(crate) url: String,
}

impl Database {
    pub(crate) fn create() -> Self {
        let name = format!("schema_{}", Uuid::now_v7().simple());
        on_the_server(&format!("CREATE DATABASE {name}"));
        let url = with_database(&server(), &name);
        Self { name, url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        on_the_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn on_the_server(sql: &str) {
    runtime().block_on(async {
        let mut server = AsyncPgConnection::establish(&server()).await.unwrap();
        server.batch_execute(sql).await.unwrap();
    });
}

fn server() -> String {
    env::var("TASKBOX_POSTGRES_URL").expect(
        "TASKBOX_POSTGRES_URL is not set: run the tests through `cargo xtask test`, \
         which starts a Postgres server of its own",
    )
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) = url.split_at(url.find('?').unwrap_or(url.len()));
    let (server, _) = address.rsplit_once('/').unwrap();
    format!("{server}/{name}{options}")
}
