//! `schema.rs` is written from Postgres alone, so that SQLite could drift away from it. These tests hold
//! the tables of a migrated SQLite database against it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod migrations;
    pub(crate) mod repository;
    pub(crate) mod sqlite;
}

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};
use support::sqlite;

type Tables = BTreeMap<String, Table>;

#[derive(Debug, PartialEq)]
struct Table {
    columns: Vec<Column>,
    primary_key: Vec<String>,
}

#[derive(Debug, PartialEq)]
struct Column {
    name: String,
    sqlite_type: String,
    nullable: bool,
}

/// What `schema.rs` says, read by the compiler: Diesel's macros with another meaning.
mod schema {
    mod diesel {
        macro_rules! table {
            (
                use crate::sql_types::*;
                $(#[$doc:meta])*
                $table:ident ($($key:ident),*) {
                    $($(#[$column_doc:meta])* $column:ident -> $sql_type:ty,)*
                }
            ) => {
                fn $table() -> super::Table {
                    super::Table {
                        columns: vec![$(super::column(stringify!($column), stringify!($sql_type))),*],
                        primary_key: vec![$(stringify!($key).to_owned()),*],
                    }
                }
            };
        }

        macro_rules! allow_tables_to_appear_in_same_query {
            ($($table:ident,)*) => {
                pub(crate) fn tables() -> super::Tables {
                    [$((stringify!($table).to_owned(), $table())),*].into()
                }
            };
        }

        macro_rules! joinable {
            ($($join:tt)*) => {};
        }

        pub(crate) use {allow_tables_to_appear_in_same_query, joinable, table};
    }

    include!("../src/schema.rs");
}

fn column(name: &str, sql_type: &str) -> Column {
    let inner = sql_type
        .strip_prefix("Nullable<")
        .and_then(|rest| rest.strip_suffix('>'));
    Column {
        name: name.to_owned(),
        sqlite_type: sqlite_type(inner.unwrap_or(sql_type)).to_owned(),
        nullable: inner.is_some(),
    }
}

/// How a column of this SQL type is declared on SQLite.
fn sqlite_type(sql_type: &str) -> &'static str {
    match sql_type {
        "Bool" | "Int4" | "Int8" | "Timestamptz" => "INTEGER",
        "Jsonb" | "Text" => "TEXT",
        "Uuid" => "BLOB",
        _ => panic!("{sql_type} has no encoding for SQLite"),
    }
}

#[test]
fn sqlite_has_the_tables_of_schema_rs() {
    let found = tables(&sqlite::migrated());
    let expected = schema::tables();
    let names = |tables: &Tables| tables.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, table) in expected {
        assert_eq!(found[&name], table, "{name}");
    }
}

// A table that is not STRICT stores a text in a column of integers without a word.
#[test]
fn every_sqlite_table_is_strict() {
    let tables = names_and_kinds(&sqlite::migrated());
    for (name, kind) in tables {
        assert_eq!(kind, "STRICT", "{name}");
    }
}

fn tables(database: &Connection) -> Tables {
    let tables = names_and_kinds(database).into_iter();
    tables
        .map(|(name, _)| (name.clone(), table(database, &name)))
        .collect()
}

/// All tables but SQLite's own, each with whether it is STRICT.
fn names_and_kinds(database: &Connection) -> Vec<(String, String)> {
    sqlite::pairs(
        database,
        "SELECT name, iif(strict, 'STRICT', 'loose') FROM pragma_table_list
         WHERE schema = 'main' AND name NOT GLOB 'sqlite_*'",
    )
}

fn table(database: &Connection, name: &str) -> Table {
    let mut query = database
        .prepare("SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo(?) ORDER BY cid")
        .unwrap();
    let columns = query.query_map([name], column_and_key_place).unwrap();
    let (columns, mut key): (Vec<_>, Vec<_>) = columns.map(Result::unwrap).unzip();
    key.retain(|(place, _)| *place > 0);
    key.sort();
    Table {
        columns,
        primary_key: key.into_iter().map(|(_, name)| name).collect(),
    }
}

/// A column, and its place in the primary key, 0 if it is not in it.
fn column_and_key_place(row: &Row<'_>) -> rusqlite::Result<(Column, (i32, String))> {
    let column = Column {
        name: row.get("name")?,
        sqlite_type: row.get("type")?,
        nullable: !row.get::<_, bool>("notnull")?,
    };
    let place = (row.get("pk")?, column.name.clone());
    Ok((column, place))
}
