use std::{error::Error, fmt, time::Duration};

use taskbox_dal::limits::MAX_TEXT;

/// How an attempt ended that did not succeed, and what is to become of the task.
///
/// `?` on any error makes one that says to try again, after the delay of the executor's policy. An error that does not
/// implement [`std::error::Error`] goes through [`TaskError::retry`].
///
/// ```
/// use std::time::Duration;
/// use taskbox_executor::TaskError;
///
/// fn parse(text: &str) -> Result<u32, TaskError> {
///     match text {
///         "" => Err(TaskError::fail("there is nothing to parse")),
///         "later" => Err(TaskError::defer(Duration::from_secs(60))),
///         _ => Ok(text.parse()?), // tried again, by the policy
///     }
/// }
/// # assert_eq!(parse("7").unwrap(), 7);
/// # assert_eq!(parse("x").unwrap_err().to_string(), "tried again: invalid digit found in string");
/// # assert_eq!(parse("").unwrap_err().to_string(), "failed for good: there is nothing to parse");
/// # assert_eq!(parse("later").unwrap_err().to_string(), "put off for 60s");
/// ```
// It cannot implement `Error` itself, or `From<E: Error>` would overlap with `From<T> for T`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskError(pub(crate) Verdict);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Without a delay, by the policy.
    Retry {
        error: String,
        delay: Option<Duration>,
    },
    Fail {
        error: String,
    },
    Defer {
        delay: Duration,
    },
}

impl TaskError {
    /// The attempt failed: another one, after the delay of the policy, unless this was the last. The reason goes into
    /// the task's history.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self(Verdict::Retry {
            error: kept(&reason),
            delay: None,
        })
    }

    /// The same, after this delay.
    pub fn retry_after(delay: Duration, reason: impl fmt::Display) -> Self {
        Self(Verdict::Retry {
            error: kept(&reason),
            delay: Some(delay),
        })
    }

    /// The task has failed, whatever attempts it has left. The reason goes into its history.
    pub fn fail(reason: impl fmt::Display) -> Self {
        Self(Verdict::Fail {
            error: kept(&reason),
        })
    }

    /// Not now: the task is ready again after the delay, and this attempt does not count.
    #[must_use]
    pub fn defer(delay: Duration) -> Self {
        Self(Verdict::Defer { delay })
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Verdict::Retry { error, .. } => write!(f, "tried again: {error}"),
            Verdict::Fail { error } => write!(f, "failed for good: {error}"),
            Verdict::Defer { delay } => write!(f, "put off for {delay:?}"),
        }
    }
}

impl<E: Error> From<E> for TaskError {
    /// To be tried again by the policy, with the error and its causes as the reason.
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason.push_str(": ");
            reason.push_str(&error.to_string());
            cause = error.source();
        }
        Self::retry(reason)
    }
}

/// As a database can keep it: without NUL characters, and of a length that is allowed.
fn kept(reason: &impl fmt::Display) -> String {
    const CUT: &str = "… (cut off)";

    let mut reason = reason.to_string().replace('\0', "\u{fffd}");
    if reason.len() > MAX_TEXT {
        reason.truncate(reason.floor_char_boundary(MAX_TEXT - CUT.len()));
        reason.push_str(CUT);
    }
    reason
}

#[cfg(test)]
mod tests {
    use std::{fmt::Error, io};

    use super::{MAX_TEXT, TaskError, Verdict};

    #[test]
    fn an_error_is_tried_again_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot fetch")]
        struct Outer(#[source] io::Error);

        let fetch = || -> Result<(), TaskError> { Err(Outer(io::Error::other("no answer")))? };
        let expected = Verdict::Retry {
            error: "cannot fetch: no answer".to_owned(),
            delay: None,
        };
        assert_eq!(fetch().unwrap_err().0, expected);
        assert_eq!(TaskError::from(Error), TaskError::retry(Error));
    }

    #[test]
    fn a_reason_has_no_nul_character() {
        let Verdict::Fail { error } = TaskError::fail("a\0b").0 else {
            panic!("it fails");
        };
        assert_eq!(error, "a\u{fffd}b");
    }

    #[test]
    fn a_reason_is_cut_to_what_can_be_kept() {
        let text = |error: TaskError| match error.0 {
            Verdict::Fail { error } => error,
            _ => panic!("it fails"),
        };
        let longest = "é".repeat(MAX_TEXT / 2);
        assert_eq!(text(TaskError::fail(&longest)), longest);
        let cut = text(TaskError::fail(longest + "é"));
        assert!(cut.len() <= MAX_TEXT && cut.ends_with("é… (cut off)"));
    }
}
