//! The tasks of a transition as a table `input (id, ord, …)`, with what comes with each.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use crate::queries::{Bind, Sql, json_of};

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
        let mut ids = Vec::new();
        let rows: Vec<Value> = rows
            .map(|(id, mut values)| {
                ids.push(id);
                values.insert(0, id.simple().to_string().into());
                Value::from(values)
            })
            .collect();
        let json = Value::from(rows).to_string();
        Self {
            ids: json_of(&ids),
            rows: Some(Rows { json, columns }),
        }
    }

    /// A statement over the list.
    pub(crate) fn with<'a, ST>(&self, rest: impl Into<Cow<'static, str>>) -> Sql<'a, ST> {
        let rest = rest.into();
        let (json, id, columns) = self.read_by(&rest);
        Sql::new(format!(
            "WITH input AS MATERIALIZED (SELECT unhex({id}) AS id, key AS ord{columns} FROM json_each("
        ))
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
