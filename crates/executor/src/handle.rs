use tokio::sync::watch;

use crate::{Error, Result, stop::Stop};

/// An executor that works, from [`Executor::start`](crate::Executor::start).
///
/// Dropping it stops the executor at once: its attempts are dropped, and what they were at runs again when its lease is
/// over, or earlier.
#[derive(Debug)]
#[must_use = "dropping it stops the executor"]
pub struct ExecutorHandle {
    pub(crate) stop: Stop,
    pub(crate) ended: watch::Receiver<Option<Result<()>>>,
}

impl ExecutorHandle {
    /// Stops: claims nothing more, lets what runs go on for the grace period, then fires the tokens, and gives back what
    /// has not ended a sixth of the lease later, with its attempt. Returns when all of that is written.
    ///
    /// Called a second time, also while the first call waits, it drops what runs and gives it back at once. Dropping the
    /// returned future changes nothing: the executor goes on stopping.
    ///
    /// # Errors
    ///
    /// [`Error::Unwritten`] if the database could not be used for so long that the lease is over, or for 5 seconds after
    /// a second call.
    pub async fn stop(&self) -> Result<()> {
        self.stop.advance();
        let mut ended = self.ended.clone();
        let end = ended.wait_for(Option::is_some).await;
        end.ok().and_then(|end| end.clone()).unwrap_or_else(|| {
            Err(Error::Unwritten {
                reason: "the executor, or the runtime that it ran on, ended by itself".to_owned(),
            })
        })
    }
}

impl Drop for ExecutorHandle {
    fn drop(&mut self) {
        self.stop.drop_all();
    }
}
