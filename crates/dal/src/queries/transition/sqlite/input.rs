//! The tasks of a transition as a table `input (id, ord, …)`, with what comes with each.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use crate::queries::{Bind, Sql, bound, json_of};

/// A list of tasks as JSON text, whatever their number.
pub(crate) struct Input {
    ids: String,
    /// What comes with each, with its id.
    rows: Option<Rows>,
}

struct Rows {
    json: String,
    /// The names of what comes after the id.
    columns: Vec<&'static str>,
    /// What all of them have in common.
    common: Vec<(&'static str, Value)>,
}

impl Input {
    pub(crate) fn ids(ids: &[Uuid]) -> Self {
        Self {
            ids: json_of(ids),
            rows: None,
        }
    }

    /// Each row has a value for each of the columns.
    pub(crate) fn rows(
        columns: Vec<&'static str>,
        rows: impl Iterator<Item = (Uuid, Vec<Value>)>,
    ) -> Self {
        let (ids, rows): (Vec<Uuid>, Vec<Vec<Value>>) = rows.unzip();
        let first = rows.first().cloned().unwrap_or_default();
        let differs = |column: &usize| {
            rows.iter()
                .any(|row| row.get(*column) != first.get(*column))
        };
        let own: Vec<usize> = (0..columns.len()).filter(differs).collect();
        let listed = ids.iter().zip(&rows).map(|(id, row)| {
            let values = own.iter().filter_map(|column| row.get(*column).cloned());
            std::iter::once(id.simple().to_string().into())
                .chain(values)
                .collect()
        });
        let json = Value::Array(listed.collect()).to_string();
        let named = columns.into_iter().zip(first).enumerate();
        let (own, common): (Vec<_>, Vec<_>) = named.partition(|(column, _)| own.contains(column));
        Self {
            ids: json_of(&ids),
            rows: Some(Rows {
                json,
                columns: own.into_iter().map(|(_, (name, _))| name).collect(),
                common: common.into_iter().map(|(_, common)| common).collect(),
            }),
        }
    }

    /// A statement over the list, which reads it once: by `IN`, or in the outermost loop of a join, for which it says
    /// `CROSS JOIN` or `LEFT JOIN`, since `SQLite` takes those in the order in which they are written.
    pub(crate) fn with<'a, ST>(&self, rest: impl Into<Cow<'static, str>>) -> Sql<'a, ST> {
        self.read("", rest.into())
    }

    /// A statement over the list that is free to read it again and again, so that it gets a table made of it.
    pub(super) fn table_with<'a, ST>(&self, rest: impl Into<Cow<'static, str>>) -> Sql<'a, ST> {
        self.read("MATERIALIZED ", rest.into())
    }

    fn read<'a, ST>(&self, kind: &str, rest: Cow<'static, str>) -> Sql<'a, ST> {
        let (json, id, columns) = self.read_by(&rest);
        let sql = Sql::new(format!(
            "WITH input AS {kind}(SELECT unhex({id}) AS id, key AS ord{columns}"
        ));
        let common = self.rows.iter().flat_map(|rows| &rows.common);
        let named = common.filter(|(name, _)| rest.contains(name));
        let sql = named.fold(sql, |sql, (name, value)| {
            bound(sql.text(", "), Some(value)).text(format!(" AS {name}"))
        });
        sql.text(" FROM json_each(")
            .bind(Bind::Json(json.to_owned()))
            .text("))")
            .text(rest)
    }

    /// The JSON, and how to read an id and the columns of it. A statement that names no column gets ids alone, since
    /// reading a list in a list takes twice as long.
    fn read_by(&self, rest: &str) -> (&str, &'static str, String) {
        let names = |rows: &&Rows| rows.columns.iter().any(|name| rest.contains(name));
        let Some(rows) = self.rows.as_ref().filter(names) else {
            return (&self.ids, "value", String::new());
        };
        let columns = (1..).zip(&rows.columns);
        let columns = columns.map(|(index, name)| format!(", value ->> {index} AS {name}"));
        (&rows.json, "value ->> 0", columns.collect())
    }
}
