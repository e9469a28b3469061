use std::result;

/// What building and running an executor answer with.
pub type Result<T, E = Error> = result::Result<T, E>;

/// Why an executor could not be built, or did not end as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be meant so.
    #[error("{what} {problem}")]
    InvalidInput {
        /// Which one.
        what: &'static str,
        /// What is wrong with it, and what to give instead.
        problem: String,
    },
    /// The thread of the heartbeats could not be made.
    #[error("cannot make the thread of the heartbeats: {0}")]
    Thread(String),
    /// The executor stopped before it could write how its last attempts ended. Its tasks are taken back by others once
    /// its lease is over.
    #[error(
        "stopped, but not everything could be written: {reason}; what is missing runs again once the lease is over"
    )]
    Unwritten {
        /// What was in the way.
        reason: String,
    },
}

impl Error {
    pub(crate) fn invalid(what: &'static str, problem: impl Into<String>) -> Self {
        Self::InvalidInput {
            what,
            problem: problem.into(),
        }
    }
}
