//! Waiting for time, where there is no event to wait for.

use std::time::Duration;

/// The duration, or a little less: so that programs that began together do not go on together.
pub(crate) fn about(duration: Duration) -> Duration {
    duration.mul_f64(1.0 - 0.2 * fastrand::f64())
}

#[expect(
    clippy::disallowed_methods,
    reason = "polls, heartbeats and pauses after errors are a matter of time"
)]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
