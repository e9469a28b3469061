use std::{io, path::PathBuf};

use taskbox_dal::Error as Dal;

use crate::interrupt;

/// Why a command did not do what it was asked to. One line, which names the thing and says what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line cannot be meant so.
    #[error("{0}")]
    Usage(String),
    /// The answer is no: there is no such thing, it is not where it could be changed, or something is pending.
    #[error("{0}")]
    Refused(String),
    /// What was asked for was done, and did not end well.
    #[error("{0}")]
    Failed(String),
    #[error("stopped by Ctrl-C")]
    Interrupted,
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    #[error("cannot write the output as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Dal(#[from] Dal),
    #[error(transparent)]
    Executor(#[from] taskbox_executor::Error),
}

impl Error {
    /// The exit code, as `--help` has it.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Dal(Dal::InvalidInput { .. }) => 2,
            Self::Interrupted => interrupt::CODE,
            Self::Refused(_) => 3,
            Self::Dal(error) if Self::is_refusal(error) => 3,
            _ => 1,
        }
    }

    /// Whether the database did what it was asked to, and the answer is no.
    pub(crate) fn is_refusal(error: &Dal) -> bool {
        matches!(
            error,
            Dal::NotFound { .. }
                | Dal::Conflict(_)
                | Dal::PipelineConflict { .. }
                | Dal::PipelineClosed { .. }
        )
    }
}
