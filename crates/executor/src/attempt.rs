use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use serde_json::Value;
use taskbox_models::Claim;
use tokio::{select, sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::{
    RetryPolicy, TaskContext, TaskError,
    batch::{End, Ended},
    handler::Handler,
    incarnation::Incarnation,
    settings::OnAttempt,
    slots::Slot,
    stop::Stop,
    task_error::Verdict,
    telemetry::{self, Running},
    time::pause,
};

/// A claimed task, and all that it takes to run it once.
pub(crate) struct Attempt {
    pub(crate) context: TaskContext,
    pub(crate) handler: Handler,
    pub(crate) hook: Option<OnAttempt>,
    pub(crate) retry: RetryPolicy,
    pub(crate) incarnation: Arc<Incarnation>,
    pub(crate) stop: Stop,
    pub(crate) ends: mpsc::Sender<Ended>,
    pub(crate) slot: Slot,
}

/// How a handler ended: with an output or an error, by a panic, or not at all, since it was dropped.
enum Outcome {
    Returned(Result<Option<Value>, TaskError>),
    Panicked(String),
    Dropped,
}

impl Attempt {
    /// Runs the handler and hands over how the attempt ended. Keeps its slot until the writer has taken that, so that a
    /// database that is slow to write holds up new attempts.
    pub(crate) async fn run(self) {
        let span = span(self.context.claim());
        let told = self.tell(&span);
        async {
            let running = Running::begin();
            let begun = Instant::now();
            let outcome = match told {
                Ok(()) => self.outcome().await,
                Err(panicked) => panicked,
            };
            drop(running);
            let name = self.context.task_name();
            telemetry::attempt_ended(name, outcome.as_str(), begun.elapsed());
            let interrupted = self.context.cancellation().is_cancelled();
            self.incarnation.running().remove(self.context.claim());
            tracing::debug!(outcome = outcome.as_str(), interrupted, "the attempt ended");
            if self.context.is_completed() {
                return;
            }
            let attempt = self.context.attempt();
            let end = outcome.end(interrupted, || self.retry.delay(attempt));
            let claim = self.context.into_claim();
            // Without a writer everything was taken from the worker: there is nothing to write.
            let _ = self.ends.send(Ended { claim, end }).await;
            drop(self.slot);
        }
        .instrument(span)
        .await;
    }

    /// Before the span is entered: then it is too late to say what it is a part of.
    fn tell(&self, span: &Span) -> Result<(), Outcome> {
        let Some(call) = &self.hook else {
            return Ok(());
        };
        catch_unwind(AssertUnwindSafe(|| call(&self.context, span)))
            .map_err(|panic| Outcome::Panicked(message(panic.as_ref())))
    }

    async fn outcome(&self) -> Outcome {
        let handler = AssertUnwindSafe((self.handler)(self.context.clone())).catch_unwind();
        let token = self.context.cancellation();
        select! {
            biased;
            result = handler => match result {
                Ok(result) => Outcome::Returned(result),
                Err(panic) => Outcome::Panicked(message(panic.as_ref())),
            },
            () = after_notice(token, self.incarnation.notice()) => Outcome::Dropped,
            () = self.stop.immediate() => Outcome::Dropped,
        }
    }
}

async fn after_notice(token: &CancellationToken, notice: Duration) {
    token.cancelled().await;
    pause(notice).await;
}

impl Outcome {
    /// What is to be written. The attempt does not count if it was interrupted, unless it came to an end that it chose.
    fn end(self, interrupted: bool, delay: impl FnOnce() -> Duration) -> End {
        match self {
            Self::Returned(Ok(output)) => End::Complete(output),
            Self::Returned(Err(TaskError(verdict))) => match verdict {
                Verdict::Fail { error } => End::Fail { error },
                Verdict::Defer { delay } => End::Defer { delay },
                Verdict::Retry { .. } if interrupted => End::Release,
                Verdict::Retry {
                    error,
                    delay: chosen,
                } => End::Retry {
                    error,
                    delay: chosen.unwrap_or_else(delay),
                },
            },
            Self::Panicked(message) => End::Retry {
                error: message,
                delay: delay(),
            },
            Self::Dropped => End::Release,
        }
    }

    /// In a word, for the log.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Returned(Ok(_)) => "completed",
            Self::Returned(Err(TaskError(Verdict::Retry { .. }))) => "retry",
            Self::Returned(Err(TaskError(Verdict::Fail { .. }))) => "failed",
            Self::Returned(Err(TaskError(Verdict::Defer { .. }))) => "deferred",
            Self::Panicked(_) => "panicked",
            Self::Dropped => "dropped",
        }
    }
}

fn span(claim: &Claim) -> Span {
    tracing::info_span!(
        "attempt",
        task_execution_id = %claim.task_execution_id(),
        task_name = claim.task_name(),
        attempt = claim.attempt(),
        epoch = claim.epoch(),
    )
}

/// What a panic says, as a database can keep it.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("without a message")).replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Outcome, message};
    use crate::{TaskError, batch::End};

    const DELAY: Duration = Duration::from_secs(1);

    fn end(outcome: Outcome, interrupted: bool) -> End {
        outcome.end(interrupted, || DELAY)
    }

    #[test]
    fn an_error_after_the_token_fired_gives_the_attempt_back() {
        let retry = || Outcome::Returned(Err(TaskError::retry("broken")));
        let error = "broken".to_owned();
        assert_eq!(
            end(retry(), false),
            End::Retry {
                error,
                delay: DELAY
            }
        );
        assert_eq!(end(retry(), true), End::Release);
        assert_eq!(end(Outcome::Dropped, true), End::Release);
    }

    #[test]
    fn what_a_handler_chose_stands_also_after_the_token_fired() {
        let error = "broken".to_owned();
        let fail = Outcome::Returned(Err(TaskError::fail("broken")));
        assert_eq!(end(fail, true), End::Fail { error });
        let defer = Outcome::Returned(Err(TaskError::defer(DELAY)));
        assert_eq!(end(defer, true), End::Defer { delay: DELAY });
        assert_eq!(end(Outcome::Returned(Ok(None)), true), End::Complete(None));
    }

    #[test]
    fn a_delay_of_its_own_goes_before_the_policy() {
        let delay = Duration::from_secs(9);
        let retry = Outcome::Returned(Err(TaskError::retry_after(delay, "broken")));
        let error = "broken".to_owned();
        assert_eq!(end(retry, false), End::Retry { error, delay });
    }

    #[test]
    fn a_panic_has_its_message() {
        assert_eq!(message(&"at last"), "panicked: at last");
        assert_eq!(message(&"a\0b".to_owned()), "panicked: a\u{fffd}b");
        assert_eq!(message(&7), "panicked: without a message");
    }
}
