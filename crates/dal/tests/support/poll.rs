//! Drops a future half-way.

use std::{
    future::{Future, poll_fn},
    task::Poll,
};

/// When a future that has been polled often enough is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// While what it waits for is under way.
    AtOnce,
    /// When that has happened, and before the future learns of it.
    OnceWoken,
}

impl Moment {
    pub(crate) const BOTH: [Self; 2] = [Self::AtOnce, Self::OnceWoken];
}

/// Polls the future so many times, whenever it asks for it, and then drops it; its output if it was done by then.
pub(crate) async fn poll_times<F: Future>(
    polls: usize,
    moment: Moment,
    future: F,
) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut polled = 0;
    poll_fn(move |context| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled == polls && moment == Moment::AtOnce => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
