//! What to measure, and how long.

use std::env;

pub(crate) struct Options {
    /// Whether to run everything once, to see that it runs.
    pub(crate) once: bool,
    filter: Option<String>,
}

impl Options {
    pub(crate) fn from_arguments() -> Self {
        let mut arguments = env::args().skip(1).peekable();
        let filter = arguments.next_if(|first| !first.starts_with('-'));
        Self {
            once: arguments.any(|argument| argument == "--test"),
            filter,
        }
    }

    /// Whether rows of that name, or below it, are asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let filter = self.filter.as_deref();
        filter.is_none_or(|filter| name.contains(filter))
    }

    /// The number of rounds: one if it is only to be seen that they run.
    pub(crate) fn rounds(&self, rounds: usize) -> usize {
        if self.once { 1 } else { rounds }
    }
}
