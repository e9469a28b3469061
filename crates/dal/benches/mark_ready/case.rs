//! What is measured: one call.

use std::fmt;

use taskbox_test_support::Backend;

/// A call of `mark_ready`, or of `mark_ready_many`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) backend: Backend,
    /// How many tasks it makes ready.
    pub(crate) tasks: usize,
    /// Whether they are tasks of a pipeline, which is running.
    pub(crate) in_pipeline: bool,
}

impl Case {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        [Backend::Postgres, Backend::Sqlite]
            .into_iter()
            .flat_map(|backend| {
                [(1, false), (1, true), (100, false), (10_000, false)].map(
                    |(tasks, in_pipeline)| Self {
                        backend,
                        tasks,
                        in_pipeline,
                    },
                )
            })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pipeline = if self.in_pipeline { "/pipeline" } else { "" };
        f.pad(&format!("{}/{}{pipeline}", self.backend, self.tasks))
    }
}
