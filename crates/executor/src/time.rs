//! Waiting for time, where there is no event to wait for.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

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

/// Waits until then. A time that is past is not waited for at all: of a timer it would take a millisecond, by which they
/// tick.
pub(crate) async fn reach(time: Instant) {
    if Instant::now() < time {
        sleep_until(time).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::time::Instant;

    use super::reach;

    #[tokio::test]
    async fn what_is_past_is_not_waited_for() {
        assert!(reach(Instant::now()).now_or_never().is_some());
        let later = Instant::now() + Duration::from_hours(1);
        assert!(reach(later).now_or_never().is_none());
    }
}
