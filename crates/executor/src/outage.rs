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

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tracing::{Event, Metadata, Subscriber, span};

    use super::Outage;

    /// Counts what is said.
    struct Said(Arc<AtomicUsize>);

    impl Subscriber for Said {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn an_outage_is_said_once_and_so_is_its_end() {
        let said = Arc::new(AtomicUsize::new(0));
        let times = || said.load(Ordering::Relaxed);
        tracing::subscriber::with_default(Said(Arc::clone(&said)), || {
            let mut outage = Outage::of("tests");
            outage.is_over();
            assert_eq!(times(), 0);
            outage.goes_on(&"gone");
            outage.goes_on(&"gone");
            assert_eq!(times(), 1);
            outage.is_over();
            outage.is_over();
            assert_eq!(times(), 2);
        });
    }

    #[test]
    fn pauses_grow_while_it_goes_on_and_begin_anew_with_the_next() {
        let mut outage = Outage::of("tests");
        let first = outage.goes_on(&"gone");
        assert!(outage.goes_on(&"gone") >= first);
        for _ in 0..9 {
            outage.goes_on(&"gone");
        }
        assert!(outage.goes_on(&"gone") > 10 * first);
        outage.is_over();
        assert!(outage.goes_on(&"gone") <= 2 * first);
    }
}
