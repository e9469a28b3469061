//! What a limit cannot be.

use taskbox_dal::Error;

pub(crate) fn negative(limit: i64) -> Error {
    Error::InvalidInput {
        what: "limit",
        problem: format!("is {limit}; give 0 or more"),
    }
}
