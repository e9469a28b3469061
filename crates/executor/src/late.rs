//! Ends that the database refuses while it takes others.

use std::collections::HashSet;

use taskbox_dal::Error;
use tokio::time::Instant;
use uuid::Uuid;

use crate::{backoff::Backoff, batch::Ended, time::reach};

/// They wait apart, so that what is wrong with one task holds no other up, and are tried again for as long as they count:
/// an end that happened is never given up.
pub(crate) struct Late {
    ends: Vec<Ended>,
    due: Instant,
    backoff: Backoff,
    /// The tasks of which it was said.
    reported: HashSet<Uuid>,
}

impl Late {
    pub(crate) fn new() -> Self {
        Self {
            ends: Vec::new(),
            due: Instant::now(),
            backoff: Backoff::of_outage(),
            reported: HashSet::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Keeps what was refused, each with the reason why, until it is time to try it again: after pauses that grow until
    /// nothing is late any more.
    pub(crate) fn add(&mut self, refused: Vec<(Ended, Error)>) {
        if refused.is_empty() && self.is_empty() {
            self.backoff.reset();
            self.reported.clear();
            return;
        }
        for (ended, error) in refused {
            let task = ended.claim.task_execution_id();
            if self.reported.insert(task) {
                tracing::warn!(
                    %task, %error,
                    "the database takes other ends, and not that of this task: trying again"
                );
            }
            self.ends.push(ended);
        }
        self.due = Instant::now() + self.backoff.next();
    }

    /// When there is something to try again; never if there is nothing.
    pub(crate) async fn due(&self) {
        if self.is_empty() {
            return std::future::pending().await;
        }
        reach(self.due).await;
    }

    /// Takes all, if it is time.
    pub(crate) fn take_due(&mut self) -> Vec<Ended> {
        if Instant::now() < self.due {
            return Vec::new();
        }
        std::mem::take(&mut self.ends)
    }

    /// Puts those back that were taken and not tried.
    pub(crate) fn put_back(&mut self, ended: Vec<Ended>) {
        self.ends.extend(ended);
    }
}
