//! Values that pass through the columns of `execution_events`.

use std::cell::RefCell;

use chrono::{DateTime, Utc};
use diesel::{
    Connection as _, QueryResult, QueryableByName, RunQueryDsl as _, SqliteConnection,
    connection::SimpleConnection as _, sql_query,
};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use serde_json::Value;
use taskbox_schema::sql_types;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::{
    migrations,
    postgres::{self, Database},
};

/// One value of each SQL type that is ours.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
#[expect(clippy::struct_field_names, reason = "named as their columns")]
pub(crate) struct Event {
    #[diesel(sql_type = sql_types::Uuid)]
    pub(crate) task_execution_id: Uuid,
    #[diesel(sql_type = sql_types::Jsonb)]
    pub(crate) event_data: Value,
    #[diesel(sql_type = sql_types::Timestamptz)]
    pub(crate) created_at: DateTime<Utc>,
}

/// The same query on both backends.
macro_rules! insert {
    ($event:expr) => {
        sql_query(
            "INSERT INTO execution_events (event_type, task_execution_id, event_data, created_at)
             VALUES ('task_created', $1, $2, $3)
             RETURNING task_execution_id, event_data, created_at",
        )
        .bind::<sql_types::Uuid, _>($event.task_execution_id)
        .bind::<sql_types::Jsonb, _>(&$event.event_data)
        .bind::<sql_types::Timestamptz, _>($event.created_at)
    };
}

/// A backend with the migrated tables.
pub(crate) trait Backend {
    /// Writes an event and reads it.
    fn stored(&self, event: &Event) -> QueryResult<Event>;
}

pub(crate) struct Sqlite(pub(crate) RefCell<SqliteConnection>);

impl Sqlite {
    pub(crate) fn migrated() -> Self {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        connection
            .batch_execute(&migrations::script("sqlite"))
            .unwrap();
        Self(RefCell::new(connection))
    }
}

impl Backend for Sqlite {
    fn stored(&self, event: &Event) -> QueryResult<Event> {
        insert!(event).get_result(&mut *self.0.borrow_mut())
    }
}

pub(crate) struct Postgres {
    connection: RefCell<AsyncPgConnection>,
    runtime: Runtime,
    _database: Database,
}

impl Postgres {
    pub(crate) fn migrated() -> Self {
        let database = Database::create();
        let runtime = postgres::runtime();
        let connection = runtime.block_on(async {
            let mut connection = AsyncPgConnection::establish(&database.url).await.unwrap();
            connection
                .batch_execute(&migrations::script("postgres"))
                .await
                .unwrap();
            connection
        });
        Self {
            connection: RefCell::new(connection),
            runtime,
            _database: database,
        }
    }
}

impl Backend for Postgres {
    fn stored(&self, event: &Event) -> QueryResult<Event> {
        let mut connection = self.connection.borrow_mut();
        let insert = insert!(event);
        self.runtime.block_on(diesel_async::RunQueryDsl::get_result(
            insert,
            &mut *connection,
        ))
    }
}
