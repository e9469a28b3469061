use std::num::NonZeroU32;

use chrono::{DateTime, Utc};
use diesel::{
    deserialize::{self, FromSql},
    pg::{Pg, PgMetadataLookup, PgTypeMetadata, PgValue},
    query_builder::bind_collector::{BindCollector, RawBytesBindCollector},
    serialize::ToSql,
    sql_types::{HasSqlType, Text},
};
use serde_json::Value;
use taskbox_models::{EventType, PipelineStatus, RunWhen, TaskStatus, TraceContext};
use taskbox_schema::sql_types::{Jsonb, Timestamptz, Uuid};

use crate::Error;

/// What a server may answer is read as what is sent back the same, or refused. The first byte says as what it is read.
pub fn stored_postgres(input: &[u8]) {
    let Some((&kind, bytes)) = input.split_first() else {
        return;
    };
    match kind % 8 {
        0 => {
            if let Ok(id) = read::<Uuid, uuid::Uuid>(bytes) {
                assert_eq!(written::<Uuid, _>(&id), bytes);
            }
        }
        1 => time(bytes),
        2 => json(bytes),
        3 => {
            let context = read::<Jsonb, TraceContext>(bytes).ok();
            let value = read::<Jsonb, Value>(bytes).ok();
            assert_eq!(context.map(|it| it.as_value().clone()), value);
        }
        4 => text(bytes, TaskStatus::as_str),
        5 => text(bytes, PipelineStatus::as_str),
        6 => text(bytes, RunWhen::as_str),
        _ => text(bytes, EventType::as_str),
    }
}

fn time(bytes: &[u8]) {
    if let Ok(time) = read::<Timestamptz, DateTime<Utc>>(bytes) {
        assert_eq!(written::<Timestamptz, _>(&time), bytes, "{time}");
    }
}

fn json(bytes: &[u8]) {
    if let Ok(value) = read::<Jsonb, Value>(bytes) {
        let written = written::<Jsonb, _>(&value);
        assert_eq!(read::<Jsonb, Value>(&written).unwrap(), value);
    }
}

fn text<T: FromSql<Text, Pg>>(bytes: &[u8], as_str: fn(T) -> &'static str) {
    match read::<Text, T>(bytes) {
        Ok(value) => assert_eq!(as_str(value).as_bytes(), bytes),
        Err(error) => {
            let error = Error::from(diesel::result::Error::DeserializationError(error));
            match (&error, str::from_utf8(bytes)) {
                (Error::UnknownText { found, .. }, Ok(text)) => assert!(text.starts_with(found)),
                (Error::Database(_), Err(_)) => {}
                _ => panic!("{error:?}"),
            }
        }
    }
}

fn read<ST, T: FromSql<ST, Pg>>(bytes: &[u8]) -> deserialize::Result<T> {
    // No decoder of ours asks for it.
    T::from_sql(PgValue::new(bytes, &NonZeroU32::MIN))
}

fn written<ST, T: ToSql<ST, Pg>>(value: &T) -> Vec<u8>
where
    Pg: HasSqlType<ST>,
{
    let mut collector = RawBytesBindCollector::<Pg>::new();
    let lookup: &mut dyn PgMetadataLookup = &mut NoTypes;
    collector.push_bound_value::<ST, T>(value, lookup).unwrap();
    collector.binds.pop().flatten().unwrap()
}

/// Of types that have no number of their own, which ours have.
struct NoTypes;

impl PgMetadataLookup for NoTypes {
    fn lookup_type(&mut self, name: &str, _schema: Option<&str>) -> PgTypeMetadata {
        panic!("{name} has no number")
    }
}
