use std::{collections::HashMap, sync::Arc, time::Duration};

use tracing::Span;

use crate::{RetryPolicy, TaskContext, handler::Handler};

/// Is told of each attempt before it begins, with its span.
pub(crate) type OnAttempt = Arc<dyn Fn(&TaskContext, &Span) + Send + Sync>;

/// What an executor was built with.
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) tasks: HashMap<String, Handler>,
    /// Of each queue its limit; all queues if none is named.
    pub(crate) queues: Vec<(String, usize)>,
    pub(crate) concurrency: usize,
    pub(crate) retry: RetryPolicy,
    pub(crate) on_attempt: Option<OnAttempt>,
    /// How often the metrics are told what waits; `None` for never.
    pub(crate) watch_queues: Option<Duration>,
    pub(crate) poll_interval: Duration,
    pub(crate) grace_period: Duration,
    /// For how long what has ended is kept; `None` for ever.
    pub(crate) retention: Option<Duration>,
}

#[cfg(test)]
impl Settings {
    /// Of an executor with so many places, and so many of each queue.
    pub(crate) fn of_tests(concurrency: usize, queues: &[(&str, usize)]) -> Self {
        let queues = queues
            .iter()
            .map(|(name, limit)| ((*name).to_owned(), *limit));
        Self {
            name: String::new(),
            tasks: HashMap::new(),
            queues: queues.collect(),
            concurrency,
            retry: RetryPolicy::default(),
            on_attempt: None,
            watch_queues: None,
            poll_interval: Duration::ZERO,
            grace_period: Duration::ZERO,
            retention: None,
        }
    }
}
