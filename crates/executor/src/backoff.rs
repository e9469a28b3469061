use std::time::Duration;

/// Pauses that grow while nothing happens, or all goes wrong.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        let first = first.min(longest);
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// For a database that cannot be used.
    pub(crate) fn of_outage() -> Self {
        Self::new(Duration::from_millis(50), Duration::from_secs(5))
    }

    /// The next pause: twice the last one, of which up to the half is taken off at random.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next.mul_f64(1.0 - 0.5 * fastrand::f64());
        self.next = self.next.saturating_mul(2).min(self.longest);
        pause
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let millis = Duration::from_millis;
        let mut backoff = Backoff::new(millis(10), millis(35));
        for longest in [10, 20, 35, 35] {
            let pause = backoff.next();
            let longest = millis(longest);
            assert!((longest / 2..=longest).contains(&pause), "{pause:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= millis(10));
    }
}
