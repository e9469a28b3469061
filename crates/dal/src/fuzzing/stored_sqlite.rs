use std::{cell::RefCell, error::Error as StdError, iter};

use chrono::{DateTime, Utc};
use diesel::{
    Connection, QueryResult, RunQueryDsl, SqliteConnection,
    deserialize::{FromSql, FromSqlRow},
    dsl::sql,
    expression::AsExpression,
    serialize::{self, Output, ToSql},
    sql_types::{BigInt, Binary, Bool, Text},
    sqlite::Sqlite,
};
use serde_json::Value;
use taskbox_models::{EventType, PipelineStatus, RunWhen, TaskStatus, TraceContext};
use taskbox_schema::{
    bind,
    sql_types::{Jsonb, Timestamptz, Uuid},
};

use crate::Error;

thread_local! {
    static CONNECTION: RefCell<SqliteConnection> =
        RefCell::new(SqliteConnection::establish(":memory:").unwrap());
}

/// What is read where this was written.
macro_rules! written {
    ($sql_type:ty, $value:expr) => {{
        let query = diesel::select(sql::<$sql_type>("").bind::<$sql_type, _>($value));
        CONNECTION.with_borrow_mut(|connection| query.get_result(connection))
    }};
}

/// What `SQLite` may have stored, by whoever wrote it, is read as what comes back the same, or refused. The first byte
/// says as what it is read.
pub fn stored_sqlite(input: &[u8]) {
    let Some((&kind, bytes)) = input.split_first() else {
        return;
    };
    match kind % 8 {
        0 => uuid(bytes),
        1 => time(bytes),
        2 => json(bytes),
        3 => trace_context(bytes),
        4 => text(bytes, TaskStatus::as_str),
        5 => text(bytes, PipelineStatus::as_str),
        6 => text(bytes, RunWhen::as_str),
        _ => text(bytes, EventType::as_str),
    }
}

fn uuid(bytes: &[u8]) {
    match stored::<Uuid, uuid::Uuid>("BLOB", bytes) {
        Ok(id) => {
            assert_eq!(id.as_bytes(), bytes);
            assert_eq!(written!(Uuid, bind::Uuid(id)), Ok(id));
        }
        Err(error) => {
            assert_ne!(bytes.len(), 16, "{error}");
        }
    }
}

fn time(bytes: &[u8]) {
    let Some(bytes) = bytes.first_chunk() else {
        return;
    };
    let microseconds = i64::from_le_bytes(*bytes);
    let read: QueryResult<DateTime<Utc>> = written!(Timestamptz, Microseconds(microseconds));
    match read {
        Ok(time) => {
            assert_eq!(time.timestamp_micros(), microseconds);
            assert_eq!(written!(Timestamptz, bind::Timestamptz(time)), Ok(time));
        }
        Err(error) => {
            let first: &(dyn StdError + 'static) = &error;
            let mut causes = iter::successors(Some(first), |cause| StdError::source(*cause));
            let number = microseconds.to_string();
            assert!(
                causes.any(|cause| cause.to_string().contains(&number)),
                "{error:?}"
            );
        }
    }
}

fn json(bytes: &[u8]) {
    let Ok(value) = stored::<Jsonb, Value>("TEXT", bytes) else {
        return;
    };
    assert!(
        str::from_utf8(bytes).is_ok(),
        "{value} is not what is stored"
    );
    assert!(json_comes_back(&value), "{value}");
}

fn trace_context(bytes: &[u8]) {
    let context = stored::<Jsonb, TraceContext>("TEXT", bytes);
    let value = stored::<Jsonb, Value>("TEXT", bytes);
    assert_eq!(context.ok().map(|it| it.as_value().clone()), value.ok());
}

fn text<T>(bytes: &[u8], as_str: fn(T) -> &'static str)
where
    T: FromSql<Text, Sqlite> + FromSqlRow<Text, Sqlite> + 'static,
{
    match stored::<Text, T>("TEXT", bytes) {
        Ok(value) => assert_eq!(as_str(value).as_bytes(), bytes),
        Err(error) => {
            let error = Error::from(error);
            match (&error, str::from_utf8(bytes)) {
                (Error::UnknownText { found, .. }, Ok(text)) => assert!(text.starts_with(found)),
                (Error::Database(_), Err(_)) => {}
                _ => panic!("{error:?}"),
            }
        }
    }
}

/// Whether a text is read as it was written.
pub(super) fn comes_back(text: &str) -> bool {
    written!(Text, text) == Ok(text.to_owned())
}

/// Whether a document is JSON to `SQLite`, too, and is read as it was written.
pub(super) fn json_comes_back(value: &Value) -> bool {
    let query = diesel::select(
        sql::<Bool>("json_valid(")
            .bind::<Jsonb, _>(Json(value))
            .sql(")"),
    );
    let is_valid = CONNECTION.with_borrow_mut(|connection| query.get_result::<bool>(connection));
    let read: QueryResult<Value> = written!(Jsonb, Json(value));
    is_valid == Ok(true) && read.as_ref() == Ok(value)
}

/// What is read where these bytes are stored as a value of this class.
fn stored<ST, T>(class: &str, bytes: &[u8]) -> QueryResult<T>
where
    ST: diesel::sql_types::SingleValue + diesel::query_builder::QueryId + 'static,
    Sqlite: diesel::sql_types::HasSqlType<ST>,
    T: FromSql<ST, Sqlite> + FromSqlRow<ST, Sqlite> + 'static,
{
    let query = diesel::select(
        sql::<ST>("CAST(")
            .bind::<Binary, _>(bytes)
            .sql(&format!(" AS {class})")),
    );
    CONNECTION.with_borrow_mut(|connection| query.get_result(connection))
}

/// A document on its way into a query.
#[derive(AsExpression, Debug)]
#[diesel(sql_type = Jsonb)]
struct Json<'a>(&'a Value);

impl ToSql<Jsonb, Sqlite> for Json<'_> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        ToSql::<Jsonb, Sqlite>::to_sql(self.0, out)
    }
}

/// A number where a time should be.
#[derive(AsExpression, Debug)]
#[diesel(sql_type = Timestamptz)]
struct Microseconds(i64);

impl ToSql<Timestamptz, Sqlite> for Microseconds {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        ToSql::<BigInt, Sqlite>::to_sql(&self.0, out)
    }
}
