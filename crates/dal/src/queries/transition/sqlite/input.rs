//! The tasks of a transition as a table `input (id, ord, …)`, with what comes with each.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use crate::queries::{Bind, Sql, json_of};

/// A list of tasks as one JSON text, whatever their number.
pub(crate) struct Input {
    json: String,
    /// The names of what comes with each; if there is nothing, the list is one of ids alone.
    columns: Vec<&'static str>,
}

impl Input {
    pub(crate) fn ids(ids: &[Uuid]) -> Self {
        Self {
            json: json_of(ids),
            columns: Vec::new(),
        }
    }

    /// Each row has a value for each of the columns.
    pub(crate) fn rows(
        columns: Vec<&'static str>,
        rows: impl Iterator<Item = (Uuid, Vec<Value>)>,
    ) -> Self {
        let rows: Vec<Value> = rows
            .map(|(id, mut values)| {
                values.insert(0, id.simple().to_string().into());
                Value::from(values)
            })
            .collect();
        Self {
            json: Value::from(rows).to_string(),
            columns,
        }
    }

    /// A statement over the list.
    pub(crate) fn with<'a, ST>(&self, rest: impl Into<Cow<'static, str>>) -> Sql<'a, ST> {
        let id = if self.columns.is_empty() {
            "value"
        } else {
            "value ->> 0"
        };
        let columns: Vec<_> = (1..)
            .zip(&self.columns)
            .map(|(index, name)| format!(", value ->> {index} AS {name}"))
            .collect();
        let columns = columns.concat();
        Sql::new(format!(
            "WITH input AS MATERIALIZED (SELECT unhex({id}) AS id, key AS ord{columns} FROM json_each("
        ))
        .bind(Bind::Json(self.json.clone()))
        .text("))")
        .text(rest)
    }
}
