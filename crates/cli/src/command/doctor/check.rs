//! The checks: what the database says, and what it means.

pub(super) mod placement;
pub(super) mod schema;
pub(super) mod settings;
pub(super) mod space;
pub(super) mod work;

use super::finding::Finding;

/// What a check found; nothing if all is well.
type Found = taskbox_dal::Result<Vec<Finding>>;

/// How many of the newest events are looked at.
const EVENTS: i64 = 10_000;
