//! What the databases could not keep, or would read back differently, refused before anything is written.

use chrono::{DateTime, Utc};
use serde_json::Value;
use taskbox_models::TraceContext;

use crate::{
    Error, Result,
    limits::{MAX_JSON, MAX_JSON_DEPTH, MAX_NAME, MAX_QUEUES, MAX_TEXT, MAX_TRACE_CONTEXT},
};

pub(crate) fn limit(limit: i64) -> Result<()> {
    if limit < 0 {
        return Err(Error::invalid(
            "limit",
            format!("is {limit}; give 0 or more"),
        ));
    }
    Ok(())
}

pub(crate) fn name(what: &'static str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::invalid(what, "is empty"));
    }
    no_longer_than(MAX_NAME, what, name)?;
    without_nul(what, name)
}

/// The names of queues, each once.
pub(crate) fn queues(queues: &[impl AsRef<str>]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for queue in queues {
        let queue = queue.as_ref();
        name("queue", queue)?;
        if !names.iter().any(|name| name == queue) {
            names.push(queue.to_owned());
        }
    }
    if names.len() > MAX_QUEUES {
        return Err(Error::invalid(
            "queues",
            format!(
                "are {}; name {MAX_QUEUES} at the most, or claim from all",
                names.len()
            ),
        ));
    }
    Ok(names)
}

/// An error or a reason.
pub(crate) fn text(what: &'static str, text: &str) -> Result<()> {
    no_longer_than(MAX_TEXT, what, text)?;
    without_nul(what, text)
}

fn no_longer_than(limit: usize, what: &'static str, text: &str) -> Result<()> {
    if text.len() > limit {
        return Err(Error::invalid(
            what,
            format!("has {} bytes; the longest has {limit}", text.len()),
        ));
    }
    Ok(())
}

/// Postgres cannot keep a NUL character, in text or in JSON.
fn without_nul(what: &'static str, text: &str) -> Result<()> {
    match text.find('\0') {
        Some(at) => Err(Error::invalid(
            what,
            format!("has a NUL character at byte {at}, which databases cannot keep"),
        )),
        None => Ok(()),
    }
}

pub(crate) fn json(what: &'static str, value: &Value) -> Result<()> {
    // A stack of our own: a hostile document is deeper than the thread's.
    let mut rest = vec![(value, 1)];
    let mut size: usize = 0;
    while let Some((value, depth)) = rest.pop() {
        if depth > MAX_JSON_DEPTH {
            return Err(Error::invalid(
                what,
                format!("nests deeper than {MAX_JSON_DEPTH} levels"),
            ));
        }
        size += 1;
        match value {
            Value::String(string) => {
                size += string.len();
                without_nul(what, string)?;
            }
            Value::Array(items) => rest.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(entries) => {
                for (key, item) in entries {
                    size += key.len();
                    without_nul(what, key)?;
                    rest.push((item, depth + 1));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if size > MAX_JSON {
            return Err(Error::invalid(
                what,
                format!("has more than {MAX_JSON} bytes; keep it elsewhere, and its place here"),
            ));
        }
    }
    Ok(())
}

/// Names and texts, all of it in the bytes of its JSON.
pub(crate) fn trace_context(context: &TraceContext) -> Result<()> {
    json("trace_context", context.as_value())?;
    let size = context.as_value().to_string().len();
    if size > MAX_TRACE_CONTEXT {
        return Err(Error::invalid(
            "trace_context",
            format!("has {size} bytes; the longest has {MAX_TRACE_CONTEXT}"),
        ));
    }
    Ok(())
}

/// Drops a document that was refused. One that is too deep would need too deep a stack to be dropped as it is.
pub(crate) fn discard(value: Value) {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(entries) => rest.extend(entries.into_iter().map(|(_, item)| item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// A cut-off that Postgres can compare with: its times begin later than those of the program. Nothing is older than
/// either.
pub(crate) fn cutoff(cutoff: DateTime<Utc>) -> DateTime<Utc> {
    /// Noon of Postgres' first day, in seconds before 1970.
    const BEGINNING: i64 = -210_866_760_000;

    cutoff.max(DateTime::from_timestamp(BEGINNING, 0).unwrap_or(cutoff))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn json_that_cannot_be_read_back_is_refused() {
        let nested = |levels| (1..levels).fold(json!(1), |inner, _| Value::Array(vec![inner]));
        assert!(super::json("input", &nested(super::MAX_JSON_DEPTH)).is_ok());
        assert!(super::json("input", &nested(super::MAX_JSON_DEPTH + 1)).is_err());
        assert!(super::json("input", &json!({"a": ["b\0"]})).is_err());
        assert!(super::json("input", &json!({"a\0": 1})).is_err());
    }

    #[test]
    fn json_is_bounded_by_all_that_it_holds() {
        let half = "x".repeat(super::MAX_JSON / 2 - 2);
        assert!(super::json("input", &json!({ "a": half, "b": half })).is_err());
        assert!(super::json("input", &json!([half, half, 1])).is_ok());
        assert!(super::json("input", &json!([half, half, 1, 2])).is_err());
        assert!(super::json("input", &json!({ half.as_str(): half })).is_ok());
        assert!(super::json("input", &json!({ half.as_str(): [half, 1, 2] })).is_err());
    }

    #[test]
    fn names_are_bounded_and_not_empty() {
        assert!(super::name("queue", "mail").is_ok());
        assert!(super::name("queue", "").is_err());
        assert!(super::name("queue", &"x".repeat(super::MAX_NAME)).is_ok());
        assert!(super::name("queue", &"x".repeat(super::MAX_NAME + 1)).is_err());
        assert!(super::name("queue", "a\0b").is_err());
    }
}
