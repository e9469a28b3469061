use std::{fmt, time::Duration};

use tokio::time::Instant;

use crate::backoff::Backoff;

/// Whether the database can be used for something. Says so once, each time that it changes.
#[derive(Debug)]
pub(crate) struct Outage {
    what: &'static str,
    since: Option<Instant>,
    backoff: Backoff,
}

impl Outage {
    /// What the database is used for: "heartbeats".
    pub(crate) fn of(what: &'static str) -> Self {
        Self {
            what,
            since: None,
            backoff: Backoff::of_outage(),
        }
    }

    /// It cannot be used. Answers with how long to wait before the next try.
    pub(crate) fn goes_on(&mut self, error: &impl fmt::Display) -> Duration {
        if self.since.is_none() {
            self.since = Some(Instant::now());
            tracing::warn!(what = self.what, %error, "the database cannot be used; trying again");
        }
        self.backoff.next()
    }

    /// It can be used.
    pub(crate) fn is_over(&mut self) {
        self.backoff.reset();
        if let Some(since) = self.since.take() {
            let after = since.elapsed();
            tracing::info!(what = self.what, ?after, "the database can be used again");
        }
    }
}
