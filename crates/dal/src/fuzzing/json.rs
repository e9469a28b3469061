use std::collections::HashMap;

use serde_json::Value;
use taskbox_models::TraceContext;

use super::{names::is_taken, stored_sqlite::json_comes_back};
use crate::{
    limits::{MAX_JSON_DEPTH, MAX_TRACE_CONTEXT},
    validate,
};

/// A document that is taken nests as deep as is promised, and comes back from `SQLite` as it was. The first byte says in
/// how many more arrays it is.
pub fn json(input: &[u8]) {
    let Some((&arrays, rest)) = input.split_first() else {
        return;
    };
    let Ok(value) = serde_json::from_slice::<Value>(rest) else {
        return;
    };
    trace_context(&value);
    let value = (0..arrays).fold(value, |inner, _| Value::Array(vec![inner]));
    let is_good = depth(&value) <= MAX_JSON_DEPTH && !has_nul(&value);
    assert_eq!(is_taken("input", validate::json("input", &value)), is_good);
    if is_good {
        assert!(json_comes_back(&value), "{value}");
    } else {
        validate::discard(value);
    }
}

/// One that is taken is as small as is promised, and what is in it does not show.
fn trace_context(value: &Value) {
    const BAGGAGE: &str = "s3cr3t baggage";

    let context: TraceContext = serde_json::from_value(value.clone()).unwrap();
    let size = value.to_string().len();
    let is_good = depth(value) <= MAX_JSON_DEPTH && !has_nul(value) && size <= MAX_TRACE_CONTEXT;
    let answer = validate::trace_context(&context);
    assert_eq!(is_taken("trace_context", answer), is_good);
    assert!(!is_good || json_comes_back(context.as_value()));
    let texts = context.to_map();
    assert_eq!(texts.is_empty(), context.is_empty());
    for (name, text) in &texts {
        assert_eq!(context.get(name), Some(text.as_str()));
    }
    let secret: HashMap<_, _> = texts
        .into_keys()
        .filter(|name| !name.contains(BAGGAGE))
        .map(|name| (name, BAGGAGE.to_owned()))
        .collect();
    let shown = format!("{:?}", TraceContext::from(secret));
    assert!(!shown.contains(BAGGAGE), "{shown}");
}

fn depth(value: &Value) -> usize {
    let items = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(entries) => entries.values().map(depth).max(),
        _ => None,
    };
    1 + items.unwrap_or_default()
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(entries) => entries
            .iter()
            .any(|(name, item)| name.contains('\0') || has_nul(item)),
        _ => false,
    }
}
