//! The pauses between the tries of a transaction.

use std::time::Duration;

use tokio::time::Instant;

use crate::Error;

/// How often a transaction is tried at the most.
const MAX_TRIES: u32 = 6;
/// The pause before the second try; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Waits, unless the error will stay or there is no time or no try left. Answers whether to try again.
pub(crate) async fn pause_before_retry(error: &Error, tries: &mut u32, deadline: Instant) -> bool {
    if !error.is_transient() || *tries == MAX_TRIES {
        return false;
    }
    // Full jitter: those that collided do not meet again.
    let pause = FIRST_PAUSE * 2_u32.pow(*tries - 1);
    let pause = pause.mul_f64(fastrand::f64());
    if Instant::now() + pause >= deadline {
        return false;
    }
    tracing::debug!(%error, tries, "trying the transaction again");
    *tries += 1;
    #[expect(
        clippy::disallowed_methods,
        reason = "a back-off: there is no event to wait for"
    )]
    tokio::time::sleep(pause).await;
    true
}
