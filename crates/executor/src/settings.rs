use std::{collections::HashMap, time::Duration};

use crate::{RetryPolicy, handler::Handler};

/// What an executor was built with.
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) tasks: HashMap<String, Handler>,
    /// Of each queue its limit; all queues if none is named.
    pub(crate) queues: Vec<(String, usize)>,
    pub(crate) concurrency: usize,
    pub(crate) retry: RetryPolicy,
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
            poll_interval: Duration::ZERO,
            grace_period: Duration::ZERO,
            retention: None,
        }
    }
}
