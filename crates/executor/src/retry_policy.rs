use std::time::Duration;

use crate::{Error, Result};

/// Longer than that, the database does not take it.
const LONGEST: Duration = taskbox_dal::limits::MAX_DELAY;

/// How long a task waits after an attempt that failed. How many attempts it has is the task's own to say
/// (`max_attempts`).
///
/// ```
/// use std::time::Duration;
/// use taskbox_executor::RetryPolicy;
///
/// // About 1 s, 2 s, 4 s … and never more than a minute.
/// RetryPolicy::exponential(Duration::from_secs(1)).max(Duration::from_secs(60)).jitter(0.25);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a policy does nothing by itself"]
pub struct RetryPolicy {
    first: Duration,
    factor: u32,
    max: Duration,
    jitter: f64,
}

impl RetryPolicy {
    /// The same delay after every attempt. No jitter.
    pub const fn constant(delay: Duration) -> Self {
        Self {
            first: delay,
            factor: 1,
            max: LONGEST,
            jitter: 0.0,
        }
    }

    /// A delay that doubles with every attempt, from `first` on: up to 10 minutes, and without jitter, unless it is said
    /// otherwise.
    pub const fn exponential(first: Duration) -> Self {
        Self {
            first,
            factor: 2,
            max: Duration::from_mins(10),
            jitter: 0.0,
        }
    }

    /// The longest delay; a century at the most.
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// The share of a delay, from 0 to 1, of which a part that is chosen at random is taken off, so that tasks that
    /// failed together do not come back together.
    pub const fn jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// How long to wait after this attempt, which is the first or a later one.
    pub(crate) fn delay(&self, attempt: i32) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or_default();
        let delay = self
            .first
            .saturating_mul(self.factor.saturating_pow(doublings));
        let share = 1.0 - self.jitter * fastrand::f64();
        delay.min(self.max).min(LONGEST).mul_f64(share)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.jitter) {
            return Ok(());
        }
        let problem = format!("is {}; give a share from 0 to 1", self.jitter);
        Err(Error::invalid("jitter", problem))
    }
}

impl Default for RetryPolicy {
    /// From 1 second on, doubling, up to 10 minutes, with a jitter of a quarter.
    fn default() -> Self {
        Self::exponential(Duration::from_secs(1)).jitter(0.25)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST, RetryPolicy};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_double_up_to_the_longest() {
        let policy = RetryPolicy::exponential(SECOND).max(5 * SECOND);
        let delays: Vec<_> = (1..=5)
            .map(|attempt| policy.delay(attempt).as_secs())
            .collect();
        assert_eq!(delays, [1, 2, 4, 5, 5]);
    }

    #[test]
    fn a_constant_delay_does_not_grow() {
        assert_eq!(RetryPolicy::constant(SECOND).delay(9), SECOND);
    }

    #[test]
    fn jitter_takes_off_its_share_at_the_most() {
        let policy = RetryPolicy::constant(SECOND).jitter(0.25);
        for _ in 0..1_000 {
            let delay = policy.delay(1);
            assert!(
                (SECOND.mul_f64(0.75)..=SECOND).contains(&delay),
                "{delay:?}"
            );
        }
    }

    #[test]
    fn no_number_is_too_large() {
        let policy = RetryPolicy::exponential(Duration::MAX).max(Duration::MAX);
        assert_eq!(policy.delay(i32::MAX), LONGEST);
        assert_eq!(policy.delay(i32::MIN), LONGEST);
    }

    #[test]
    fn a_jitter_that_is_no_share_is_refused() {
        for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(RetryPolicy::constant(SECOND).jitter(share).check().is_err());
        }
        assert!(RetryPolicy::default().jitter(1.0).check().is_ok());
    }
}
