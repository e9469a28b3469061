//! What an operation takes at the most. More is refused as [`InvalidInput`](crate::Error::InvalidInput), before anything
//! is written.
//!
//! There is no limit to how many ids or tasks one call takes, but that of `deadline` and of memory.

use std::time::Duration;

/// The longest name of a task, a queue, a pipeline or a worker, in bytes. None may be empty.
pub const MAX_NAME: usize = 255;

/// The longest error of an attempt, and the longest reason of who skips or pauses, in bytes: 1 MiB.
pub const MAX_TEXT: usize = 1 << 20;

/// How deep an input or an output may nest: a little less than what can be read back.
pub const MAX_JSON_DEPTH: usize = 100;

/// How large an input or an output may be: the bytes of its strings and keys, and one for each value in it. 64 MiB.
pub const MAX_JSON: usize = 64 << 20;

/// The largest trace context of a task, in the bytes of its JSON: 8 KiB, as W3C has it of what travels with a trace.
pub const MAX_TRACE_CONTEXT: usize = 8 << 10;

/// How many queues one claim may name.
pub const MAX_QUEUES: usize = 100;

/// The longest delay, and the longest lease: a century of 365 days a year.
pub const MAX_DELAY: Duration = Duration::from_hours(100 * 365 * 24);
