//! What the databases could not keep, or would read back differently, refused before anything is written.

use serde_json::Value;

use crate::{Error, Result};

/// The longest name of a task, a queue or a pipeline, in bytes.
const MAX_NAME: usize = 255;
/// How many queues one claim may name.
const MAX_QUEUES: usize = 100;
/// How deep a JSON document may nest: a little less than what can be read back.
const MAX_DEPTH: usize = 100;

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
    if name.len() > MAX_NAME {
        return Err(Error::invalid(
            what,
            format!("has {} bytes; the longest has {MAX_NAME}", name.len()),
        ));
    }
    text(what, name)
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

/// Postgres cannot keep a NUL character, in text or in JSON.
pub(crate) fn text(what: &'static str, text: &str) -> Result<()> {
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
    while let Some((value, depth)) = rest.pop() {
        if depth > MAX_DEPTH {
            return Err(Error::invalid(
                what,
                format!("nests deeper than {MAX_DEPTH} levels"),
            ));
        }
        match value {
            Value::String(string) => text(what, string)?,
            Value::Array(items) => rest.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(entries) => {
                for (key, item) in entries {
                    text(what, key)?;
                    rest.push((item, depth + 1));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn json_that_cannot_be_read_back_is_refused() {
        let nested = |levels| (1..levels).fold(json!(1), |inner, _| Value::Array(vec![inner]));
        assert!(super::json("input", &nested(super::MAX_DEPTH)).is_ok());
        assert!(super::json("input", &nested(super::MAX_DEPTH + 1)).is_err());
        assert!(super::json("input", &json!({"a": ["b\0"]})).is_err());
        assert!(super::json("input", &json!({"a\0": 1})).is_err());
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
