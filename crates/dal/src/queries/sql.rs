//! A statement in SQL text, with binds that have one encoding per backend.

#[cfg(feature = "sqlite")]
use std::sync::OnceLock;
use std::{borrow::Cow, marker::PhantomData};

use chrono::{DateTime, Utc};
use diesel::query_builder::{Query, QueryId};
use uuid::Uuid;

/// The time now on `SQLite`, in microseconds since the epoch.
pub(crate) const SQLITE_NOW: &str = "(CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000)";

/// A statement that answers with rows of the SQL type `ST`.
///
/// Unlike Diesel's `sql_query` it is prepared once per connection, since its text never depends on a value.
pub(crate) struct Sql<'a, ST = ()> {
    pieces: Vec<Piece<'a>>,
    /// Whether it is sent together with the BEGIN of its transaction, and asks for it.
    #[cfg(feature = "postgres")]
    guarded: bool,
    row: PhantomData<fn() -> ST>,
}

enum Piece<'a> {
    Text(Cow<'static, str>),
    /// What the backends say differently: on Postgres, on `SQLite`.
    Either(
        #[cfg_attr(
            not(feature = "postgres"),
            expect(dead_code, reason = "for Postgres alone")
        )]
        &'static str,
        #[cfg_attr(
            not(feature = "sqlite"),
            expect(dead_code, reason = "for SQLite alone")
        )]
        &'static str,
    ),
    Bind(Bind<'a>),
    /// What the statement requires if it is sent together with its BEGIN; behind this word.
    Guard(
        #[cfg_attr(
            not(feature = "postgres"),
            expect(dead_code, reason = "for Postgres alone")
        )]
        &'static str,
    ),
}

/// What holds in a transaction that began together with its first statement, and in no statement of its own: see
/// [`Line`](crate::backend::postgres::Line).
#[cfg(feature = "postgres")]
const BEGUN: &str = "current_setting('transaction_deferrable') = 'on'";

/// A value on its way into a [`Sql`].
///
/// Lists are arrays on Postgres; `SQLite` gets its lists as one JSON text.
#[derive(Clone, Debug)]
pub(crate) enum Bind<'a> {
    /// `= ANY(…)` or `IN (…)`: what the id before it is compared with.
    AnyOf(AnyOf<'a>),
    Id(Uuid),
    #[cfg(feature = "postgres")]
    Ids(&'a [Uuid]),
    Integer(i64),
    #[cfg(feature = "postgres")]
    BigIntegers(Vec<i64>),
    #[cfg(feature = "postgres")]
    Document(Option<&'a serde_json::Value>),
    #[cfg(feature = "postgres")]
    Integers(Vec<i32>),
    #[cfg(feature = "postgres")]
    OwnedIds(Vec<Uuid>),
    #[cfg(feature = "sqlite")]
    Json(String),
    Moment(DateTime<Utc>),
    #[cfg(feature = "postgres")]
    OptionalIds(Vec<Option<Uuid>>),
    #[cfg(feature = "postgres")]
    OptionalJson(Vec<Option<&'a serde_json::Value>>),
    Text(&'a str),
    #[cfg(feature = "postgres")]
    Texts(Vec<&'a str>),
}

#[derive(Clone, Debug)]
pub(crate) struct AnyOf<'a> {
    ids: &'a [Uuid],
    /// Made when `SQLite` asks for it.
    #[cfg(feature = "sqlite")]
    json: OnceLock<String>,
}

impl<'a> Bind<'a> {
    pub(crate) fn any_of(ids: &'a [Uuid]) -> Self {
        Self::AnyOf(AnyOf {
            ids,
            #[cfg(feature = "sqlite")]
            json: OnceLock::new(),
        })
    }
}

/// The ids as a JSON list of their hexadecimal digits, for `unhex`.
#[cfg(feature = "sqlite")]
pub(crate) fn json_of(ids: &[Uuid]) -> String {
    json_of_digits(ids.iter().map(|id| [*id]), ids.len() * 35)
}

/// The same of the ids in the same place of two lists, the digits of one behind those of the other.
#[cfg(feature = "sqlite")]
pub(crate) fn json_of_pairs(first: &[Uuid], second: &[Uuid]) -> String {
    let pairs = first.iter().zip(second);
    json_of_digits(
        pairs.map(|(first, second)| [*first, *second]),
        first.len() * 67,
    )
}

/// A value of a JSON list, bound by itself: as `->>` reads it, which knows no other kinds here.
#[cfg(feature = "sqlite")]
pub(crate) fn bound<'a, ST>(sql: Sql<'a, ST>, value: Option<&serde_json::Value>) -> Sql<'a, ST> {
    let text = value.and_then(serde_json::Value::as_str);
    let integer = value.and_then(serde_json::Value::as_i64);
    match (text, integer) {
        (Some(text), _) => sql.bind(Bind::Json(text.to_owned())),
        (None, Some(integer)) => sql.bind(Bind::Integer(integer)),
        (None, None) => sql.text("NULL"),
    }
}

#[cfg(feature = "sqlite")]
fn json_of_digits<const N: usize>(
    entries: impl Iterator<Item = [Uuid; N]>,
    length: usize,
) -> String {
    let mut json = String::with_capacity(2 + length);
    json.push('[');
    for (index, ids) in entries.enumerate() {
        if index > 0 {
            json.push(',');
        }
        json.push('"');
        for id in ids {
            json.push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
        }
        json.push('"');
    }
    json.push(']');
    json
}

impl<'a, ST> Sql<'a, ST> {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            pieces: vec![Piece::Text(text.into())],
            #[cfg(feature = "postgres")]
            guarded: false,
            row: PhantomData,
        }
    }

    #[must_use]
    pub(crate) fn bind(self, value: Bind<'a>) -> Self {
        self.push(Piece::Bind(value))
    }

    /// What only Postgres has, such as row locks: `SQLite` has one writer and needs none.
    #[must_use]
    pub(crate) fn on_postgres(self, text: &'static str) -> Self {
        self.either(text, "")
    }

    #[must_use]
    pub(crate) fn either(self, postgres: &'static str, sqlite: &'static str) -> Self {
        self.push(Piece::Either(postgres, sqlite))
    }

    /// The time now, by the clock of the database.
    #[must_use]
    pub(crate) fn now(self) -> Self {
        self.either("clock_timestamp()", SQLITE_NOW)
    }

    /// A moment so many microseconds from now, by the clock of the database.
    #[must_use]
    pub(crate) fn moment_in(self, microseconds: i64) -> Self {
        self.now()
            .text(" + ")
            .bind(Bind::Integer(microseconds))
            .on_postgres(" * interval '1 microsecond'")
    }

    /// A moment so many microseconds ago.
    #[must_use]
    pub(crate) fn moment_ago(self, microseconds: i64) -> Self {
        self.moment_in(-microseconds)
    }

    /// How many microseconds ago the moment was that an expression answers with, by the clock of the database.
    #[must_use]
    pub(crate) fn microseconds_since(self, moment: &'static str) -> Self {
        self.either("(extract(epoch FROM ", "")
            .now()
            .text(" - ")
            .text(moment)
            .on_postgres(") * 1000000)::bigint")
    }

    /// How many microseconds it is from now to the moment that an expression answers with.
    #[must_use]
    pub(crate) fn microseconds_until(self, moment: &'static str) -> Self {
        self.either("(extract(epoch FROM ", "")
            .text(moment)
            .text(" - ")
            .now()
            .on_postgres(") * 1000000)::bigint")
    }

    #[must_use]
    pub(crate) fn text(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.push(Piece::Text(text.into()))
    }

    /// A place where nothing is changed unless what follows this word holds; for a statement that changes nothing else
    /// then. With it the statement can be sent together with its BEGIN.
    #[must_use]
    pub(crate) fn guard(self, word: &'static str) -> Self {
        self.push(Piece::Guard(word))
    }

    /// Itself, as it is sent together with its BEGIN; or as it was if it has no guard.
    #[cfg(feature = "postgres")]
    pub(crate) fn guarded(mut self) -> Result<Self, Self> {
        if !self
            .pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Guard(_)))
        {
            return Err(self);
        }
        self.guarded = true;
        Ok(self)
    }

    fn push(mut self, piece: Piece<'a>) -> Self {
        self.pieces.push(piece);
        self
    }
}

impl<ST> Query for Sql<'_, ST> {
    type SqlType = ST;
}

impl<ST> QueryId for Sql<'_, ST> {
    type QueryId = ();

    // The statement is looked up by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

#[cfg(feature = "sqlite")]
impl<ST> diesel::RunQueryDsl<diesel::SqliteConnection> for Sql<'_, ST> {}

#[cfg(feature = "postgres")]
mod postgres {
    use diesel::{
        QueryResult,
        pg::Pg,
        query_builder::{AstPass, QueryFragment},
        sql_types::{Array, BigInt, Integer, Nullable, Text},
    };
    use taskbox_schema::sql_types::{Jsonb, Timestamptz, Uuid};

    use super::{BEGUN, Bind, Piece, Sql};

    impl<ST> QueryFragment<Pg> for Sql<'_, ST> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            for piece in &self.pieces {
                match piece {
                    Piece::Text(text) => out.push_sql(text),
                    Piece::Either(text, _) => out.push_sql(text),
                    Piece::Bind(bind) => bind.walk_ast(out.reborrow())?,
                    Piece::Guard(word) if self.guarded => {
                        out.push_sql(word);
                        out.push_sql(BEGUN);
                    }
                    Piece::Guard(_) => {}
                }
            }
            Ok(())
        }
    }

    impl QueryFragment<Pg> for Bind<'_> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            match self {
                Self::AnyOf(any_of) => {
                    out.push_sql("= ANY(");
                    out.push_bind_param::<Array<Uuid>, _>(&any_of.ids)?;
                    out.push_sql(")");
                    Ok(())
                }
                Self::Id(id) => out.push_bind_param::<Uuid, _>(id),
                Self::Ids(ids) => out.push_bind_param::<Array<Uuid>, _>(ids),
                Self::Integer(integer) => out.push_bind_param::<BigInt, _>(integer),
                Self::BigIntegers(integers) => out.push_bind_param::<Array<BigInt>, _>(integers),
                Self::Document(json) => out.push_bind_param::<Nullable<Jsonb>, _>(json),
                Self::Integers(integers) => out.push_bind_param::<Array<Integer>, _>(integers),
                Self::OwnedIds(ids) => out.push_bind_param::<Array<Uuid>, _>(ids),
                #[cfg(feature = "sqlite")]
                Self::Json(json) => out.push_bind_param::<Text, _>(json),
                Self::Moment(moment) => out.push_bind_param::<Timestamptz, _>(moment),
                Self::OptionalIds(ids) => out.push_bind_param::<Array<Nullable<Uuid>>, _>(ids),
                Self::OptionalJson(json) => out.push_bind_param::<Array<Nullable<Jsonb>>, _>(json),
                Self::Text(text) => out.push_bind_param::<Text, _>(*text),
                Self::Texts(texts) => out.push_bind_param::<Array<Text>, _>(texts),
            }
        }
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use diesel::{
        QueryResult,
        query_builder::{AstPass, QueryFragment},
        sql_types::{BigInt, Text},
        sqlite::Sqlite,
    };
    use taskbox_schema::sql_types::{Timestamptz, Uuid};

    use super::{Bind, Piece, Sql};

    impl<ST> QueryFragment<Sqlite> for Sql<'_, ST> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
            for piece in &self.pieces {
                match piece {
                    Piece::Text(text) => out.push_sql(text),
                    Piece::Either(_, text) => out.push_sql(text),
                    Piece::Bind(bind) => bind.walk_ast(out.reborrow())?,
                    Piece::Guard(_) => {}
                }
            }
            Ok(())
        }
    }

    impl QueryFragment<Sqlite> for Bind<'_> {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
            match self {
                Self::AnyOf(any_of) => {
                    let json = any_of.json.get_or_init(|| super::json_of(any_of.ids));
                    out.push_sql("IN (SELECT unhex(value) FROM json_each(");
                    out.push_bind_param::<Text, _>(json)?;
                    out.push_sql("))");
                    Ok(())
                }
                Self::Id(id) => out.push_bind_param::<Uuid, _>(id),
                Self::Integer(integer) => out.push_bind_param::<BigInt, _>(integer),
                Self::Json(json) => out.push_bind_param::<Text, _>(json),
                Self::Moment(moment) => out.push_bind_param::<Timestamptz, _>(moment),
                Self::Text(text) => out.push_bind_param::<Text, _>(*text),
                #[cfg(feature = "postgres")]
                Self::Ids(_)
                | Self::BigIntegers(_)
                | Self::Document(_)
                | Self::Integers(_)
                | Self::OwnedIds(_)
                | Self::OptionalIds(_)
                | Self::OptionalJson(_)
                | Self::Texts(_) => Err(diesel::result::Error::QueryBuilderError(
                    "SQLite has no arrays".into(),
                )),
            }
        }
    }
}
