use std::future::Future;

use tokio_util::sync::CancellationToken;

/// How far an executor is with stopping. Each step includes those before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// No new tasks are claimed.
    begun: CancellationToken,
    /// The tokens of the running attempts fire.
    interrupted: CancellationToken,
    /// The attempts are dropped.
    immediate: CancellationToken,
}

impl Stop {
    /// Begins to stop, or drops everything if that was begun before.
    pub(crate) fn advance(&self) {
        if self.begun.is_cancelled() {
            self.drop_all();
        }
        self.begun.cancel();
    }

    pub(crate) fn interrupt(&self) {
        self.interrupted.cancel();
    }

    pub(crate) fn drop_all(&self) {
        self.begun.cancel();
        self.interrupted.cancel();
        self.immediate.cancel();
    }

    pub(crate) fn begun(&self) -> impl Future<Output = ()> + '_ {
        self.begun.cancelled()
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    pub(crate) fn immediate(&self) -> impl Future<Output = ()> + '_ {
        self.immediate.cancelled()
    }

    /// The token of a new attempt.
    pub(crate) fn token(&self) -> CancellationToken {
        self.interrupted.child_token()
    }
}
