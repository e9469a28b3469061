//! What is in a database, without what no two runs have in common.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

/// Everything in Taskbox's tables: the rows of each, those of a task in the order of the ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State(Value);

impl State {
    pub(crate) fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// Without numbers of rows and of transactions, with the same words for all times, and for each id of something that
    /// an operation made, beside those that were there before.
    pub(crate) fn beside(&self, before: &Self) -> Self {
        let mut names = Names::default();
        names.learn(&before.0);
        Self(names.name(self.0.clone()))
    }

    /// The rows that only one of the two has.
    pub(crate) fn unlike(&self, other: &Self) -> Vec<String> {
        let [ours, theirs] = [self.rows(), other.rows()];
        ours.symmetric_difference(&theirs).cloned().collect()
    }

    fn rows(&self) -> BTreeSet<String> {
        let tables = self.0.as_object().unwrap().iter();
        let rows = tables.flat_map(|(table, rows)| {
            let rows = rows.as_array().into_iter().flatten();
            rows.enumerate()
                .map(move |(number, row)| format!("{table} {number}: {row}"))
        });
        rows.collect()
    }
}

#[derive(Default)]
struct Names(BTreeMap<Uuid, String>);

impl Names {
    fn learn(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.learn(value)),
            Value::Object(fields) => fields.values().for_each(|value| self.learn(value)),
            Value::String(text) => {
                if let Ok(id) = text.parse() {
                    self.0.insert(id, text.clone());
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, value: Value) -> Value {
        match value {
            Value::Array(values) => values.into_iter().map(|value| self.name(value)).collect(),
            Value::Object(mut fields) => {
                fields.retain(|field, value| !is_number_of_row(field, value));
                let fields = fields.into_iter();
                fields
                    .map(|(field, value)| (field, self.name(value)))
                    .collect()
            }
            Value::String(text) => self.name_text(text).into(),
            other => other,
        }
    }

    fn name_text(&mut self, text: String) -> String {
        if let Ok(id) = text.parse() {
            let number = self.0.len();
            let name = self.0.entry(id);
            return name.or_insert_with(|| format!("new {number}")).clone();
        }
        match chrono::DateTime::parse_from_rfc3339(&text) {
            Ok(_) => "a time".to_owned(),
            Err(_) => text,
        }
    }
}

/// An event of no transaction that could be asked for has number 0.
fn is_number_of_row(field: &str, value: &Value) -> bool {
    matches!(field, "id" | "transaction_id") && value.as_i64().is_some_and(|number| number > 0)
}
