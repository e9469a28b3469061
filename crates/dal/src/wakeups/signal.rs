use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// What one sleeper is told: when the next thing happens that it waits for. Whatever it is told before it listens becomes
/// one, the earliest.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    raised: Notify,
}

#[derive(Debug, Default)]
struct State {
    hint: Option<Hint>,
    closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    at: Instant,
    /// How often it was said.
    pub(crate) times: u32,
}

impl Hint {
    /// How long it is until then.
    pub(crate) fn delay(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}

impl Signal {
    pub(crate) fn raise(&self, at: Instant) {
        let mut state = self.state();
        let hint = state.hint.get_or_insert(Hint { at, times: 0 });
        hint.at = hint.at.min(at);
        hint.times = hint.times.saturating_add(1);
        drop(state);
        self.raised.notify_one();
    }

    /// Nothing more will be said.
    #[cfg(feature = "postgres")]
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.raised.notify_one();
    }

    /// Waits until something is said; `None` once nothing more will be. One who waits at a time. Dropping it loses nothing.
    pub(crate) async fn next(&self) -> Option<Hint> {
        loop {
            {
                let mut state = self.state();
                if let Some(hint) = state.hint.take() {
                    return Some(hint);
                }
                if state.closed {
                    return None;
                }
            }
            self.raised.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::time::Instant;

    use super::{Hint, Signal};

    #[test]
    fn what_is_said_several_times_is_told_once_as_the_earliest() {
        let signal = Signal::default();
        let at = Instant::now();
        for later in [2, 1, 3] {
            signal.raise(at + Duration::from_secs(later));
        }
        let told = signal.next().now_or_never().flatten();
        let at = at + Duration::from_secs(1);
        assert_eq!(told, Some(Hint { at, times: 3 }));
        assert_eq!(signal.next().now_or_never(), None);
    }

    #[test]
    fn who_waits_is_told_and_one_who_stopped_to_wait_has_lost_nothing() {
        let signal = Signal::default();
        assert_eq!(signal.next().now_or_never(), None);
        let at = Instant::now();
        signal.raise(at);
        let told = signal.next().now_or_never().flatten();
        assert_eq!(told, Some(Hint { at, times: 1 }));
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn what_was_said_before_the_end_is_told_first() {
        let signal = Signal::default();
        signal.raise(Instant::now());
        signal.close();
        assert!(signal.next().now_or_never().flatten().is_some());
        assert_eq!(signal.next().now_or_never(), Some(None));
    }
}
