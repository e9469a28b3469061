use std::{collections::HashMap, fmt};

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskbox_schema::sql_types::Jsonb;

/// Which trace a task was made in: what a propagator of traces writes into a message, such as `traceparent` and
/// `tracestate` of W3C. It goes with the task to whoever runs it.
///
/// It is kept as it is and never looked into. Propagators write and read maps of strings:
///
/// ```
/// use std::collections::HashMap;
/// use taskbox_models::TraceContext;
///
/// let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
/// let context = TraceContext::from(carrier.clone());
/// assert_eq!(context.get("traceparent"), Some(traceparent));
/// assert_eq!(context.to_map(), carrier);
/// ```
#[derive(Clone, Default, Deserialize, FromSqlRow, PartialEq, Serialize)]
#[serde(transparent)]
pub struct TraceContext(Value);

impl TraceContext {
    /// The text of this name; `None` if there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// What a propagator reads; empty if nothing is in it.
    #[must_use]
    pub fn to_map(&self) -> HashMap<String, String> {
        let texts = self.texts();
        texts
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts().next().is_none()
    }

    /// As it is kept: an object of texts.
    #[must_use]
    pub const fn as_value(&self) -> &Value {
        &self.0
    }

    /// Other software may have written what are no texts; nobody asked for those.
    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.0.as_object().into_iter().flatten();
        entries.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
    }
}

impl From<HashMap<String, String>> for TraceContext {
    fn from(carrier: HashMap<String, String>) -> Self {
        let entries = carrier.into_iter();
        Self(
            entries
                .map(|(name, text)| (name, Value::from(text)))
                .collect(),
        )
    }
}

impl<DB> FromSql<Jsonb, DB> for TraceContext
where
    DB: Backend,
    Value: FromSql<Jsonb, DB>,
{
    fn from_sql(value: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Value::from_sql(value).map(Self)
    }
}

/// Only the names: what else a program lets travel with its traces may be secret.
impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TraceContext")?;
        f.debug_set()
            .entries(self.texts().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::TraceContext;

    #[test]
    fn what_is_no_text_is_not_there() {
        let of = |value| serde_json::from_value::<TraceContext>(value).unwrap_or_default();
        let mixed = of(json!({"traceparent": "00-1", "level": 3, "baggage": null}));
        assert_eq!(mixed.get("level"), None);
        assert_eq!(mixed.to_map().len(), 1);
        for empty in [
            json!({}),
            json!({"level": 3}),
            json!(["00-1"]),
            json!("00-1"),
        ] {
            assert!(of(empty).is_empty());
        }
    }

    #[test]
    fn debug_does_not_show_what_travels_with_it() {
        let carrier = HashMap::from([("baggage".to_owned(), "user=eve".to_owned())]);
        let context = TraceContext::from(carrier);
        assert_eq!(format!("{context:?}"), r#"TraceContext{"baggage"}"#);
    }
}
