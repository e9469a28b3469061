//! What executors say of a database that they cannot use.

use std::{collections::BTreeMap, thread};

use taskbox_test_support::canary;

/// The errors, by what the database was to be used for: those of the calling test. Heartbeats are left out, which have a
/// thread of another name.
pub(crate) fn heard() -> BTreeMap<String, Vec<String>> {
    let mut heard: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for mut warning in canary::warnings("taskbox_executor::outage") {
        if Some(warning.thread.as_str()) == thread::current().name() {
            let mut field = |name| warning.fields.remove(name).unwrap_or_default();
            heard.entry(field("what")).or_default().push(field("error"));
        }
    }
    heard
}
