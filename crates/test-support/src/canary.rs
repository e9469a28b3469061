//! A password and a payload that must show nowhere: not in an error, a `Debug`, a panic, or anything that is traced or
//! logged.
//!
//! Every Postgres URL of a [`TestDatabase`](crate::TestDatabase) has the password, and tests give the payload to the tasks
//! they make. [`run`](crate::run()) hears what is said in its process, and fails the test that ends after one of them was.

mod ear;

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use self::ear::listen;
pub use self::ear::{Warning, warnings};

/// The password, which the servers of the tests do not ask for.
pub const PASSWORD: &str = "c4n4ry/p4ss";
/// The same in a URL.
pub const PASSWORD_IN_URL: &str = "c4n4ry%2Fp4ss";
/// What tasks are given, answer and fail with, and what is said of them by hand.
pub const PAYLOAD: &str = "c4n4ry-payload";

/// What was said with a secret in it, and not yet told.
static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn found() -> MutexGuard<'static, Vec<String>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hears what a program says to whoever runs it.
pub fn hear(words: &str) {
    if let Some(line) = words.lines().find(|line| has_secret(line)) {
        found().push(line.to_owned());
    }
}

/// Hears an error, by every way to print it, and what caused it.
pub fn hear_error(error: &dyn Error) {
    hear(&format!("{error}\n{error:?}\n{error:#?}"));
    if let Some(cause) = error.source() {
        hear_error(cause);
    }
}

/// What was heard with a secret in it since this was last asked, in this process.
pub(crate) fn take_found() -> Vec<String> {
    std::mem::take(&mut *found())
}

fn has_secret(line: &str) -> bool {
    [PASSWORD, PASSWORD_IN_URL, PAYLOAD]
        .iter()
        .any(|secret| line.contains(secret))
}
