//! What a metrics system is told. The names are listed in `docs/metrics.md`, which a test holds against these.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use taskbox_dal::{Pruned, QueueDepth, Recovered};

/// The kind of a metric, and its unit.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Counter,
    Gauge,
    /// A gauge.
    SecondsNow,
    /// A histogram.
    Seconds,
}

#[derive(Clone, Copy)]
struct Metric {
    name: &'static str,
    kind: Kind,
    about: &'static str,
}

const fn metric(name: &'static str, kind: Kind, about: &'static str) -> Metric {
    Metric { name, kind, about }
}

const CLAIMED: Metric = metric(
    "taskbox_claimed_tasks_total",
    Kind::Counter,
    "tasks that this executor has claimed",
);
const CLAIM: Metric = metric(
    "taskbox_claim_seconds",
    Kind::Seconds,
    "how long a look for ready tasks took, also one that found none",
);
const RUNNING: Metric = metric(
    "taskbox_running_attempts",
    Kind::Gauge,
    "attempts that run now",
);
const ATTEMPTS: Metric = metric(
    "taskbox_attempts_total",
    Kind::Counter,
    "attempts that have ended, by `task_name` and `outcome`: completed, retry, failed, deferred, panicked or dropped",
);
const ATTEMPT: Metric = metric(
    "taskbox_attempt_seconds",
    Kind::Seconds,
    "how long an attempt ran, by `task_name` and `outcome`",
);
const WRITE: Metric = metric(
    "taskbox_write_seconds",
    Kind::Seconds,
    "how long it took to write a batch of ends, outages included",
);
const REFUSED: Metric = metric(
    "taskbox_refused_ends_total",
    Kind::Counter,
    "attempts whose end did not count, since the task had been taken away",
);
const LOST: Metric = metric(
    "taskbox_lost_leases_total",
    Kind::Counter,
    "how often this executor was taken for dead, and went on as a new worker",
);
const RECOVERED: Metric = metric(
    "taskbox_recovered_tasks_total",
    Kind::Counter,
    "tasks that this executor took back from workers that had died",
);
const ABANDONED: Metric = metric(
    "taskbox_abandoned_tasks_total",
    Kind::Counter,
    "tasks that this executor found to have killed too many workers, and that have failed",
);
const DELETED: Metric = metric(
    "taskbox_deleted_events_total",
    Kind::Counter,
    "events of old history that this executor has deleted",
);

const READY: Metric = metric(
    "taskbox_ready_tasks",
    Kind::Gauge,
    "tasks of the whole database that wait to be claimed, by `queue`, if the executor was told to `watch_queues`",
);
const OLDEST: Metric = metric(
    "taskbox_oldest_ready_seconds",
    Kind::SecondsNow,
    "how long the oldest of them has waited, by `queue`; 0 if none waits",
);

const ALL: [Metric; 13] = [
    CLAIMED, CLAIM, RUNNING, ATTEMPTS, ATTEMPT, WRITE, REFUSED, LOST, RECOVERED, ABANDONED,
    DELETED, READY, OLDEST,
];

/// Says what each is, for systems that show it.
pub(crate) fn describe() {
    for Metric { name, kind, about } in ALL {
        match kind {
            Kind::Counter => describe_counter!(name, Unit::Count, about),
            Kind::Gauge => describe_gauge!(name, Unit::Count, about),
            Kind::SecondsNow => describe_gauge!(name, Unit::Seconds, about),
            Kind::Seconds => describe_histogram!(name, Unit::Seconds, about),
        }
    }
}

pub(crate) fn claimed(tasks: usize, took: Duration) {
    counter!(CLAIMED.name).increment(count(tasks));
    histogram!(CLAIM.name).record(took);
}

/// An attempt, for as long as it runs.
pub(crate) struct Running(());

impl Running {
    pub(crate) fn begin() -> Self {
        gauge!(RUNNING.name).increment(1);
        Self(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        gauge!(RUNNING.name).decrement(1);
    }
}

/// The name is one that has a handler, so that there are not too many.
pub(crate) fn attempt_ended(task_name: &str, outcome: &'static str, took: Duration) {
    let labels = [
        ("task_name", task_name.to_owned()),
        ("outcome", outcome.to_owned()),
    ];
    counter!(ATTEMPTS.name, &labels).increment(1);
    histogram!(ATTEMPT.name, &labels).record(took);
}

pub(crate) fn wrote(took: Duration, refused: usize) {
    histogram!(WRITE.name).record(took);
    counter!(REFUSED.name).increment(count(refused));
}

pub(crate) fn lost_lease() {
    counter!(LOST.name).increment(1);
}

pub(crate) fn swept(swept: &Recovered) {
    counter!(RECOVERED.name).increment(count(swept.recovered.len()));
    counter!(ABANDONED.name).increment(count(swept.abandoned.len()));
}

pub(crate) fn pruned(pruned: &Pruned) {
    counter!(DELETED.name).increment(count(pruned.events));
}

pub(crate) fn queue(depth: &QueueDepth) {
    let labels = [("queue", depth.queue.clone())];
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
    gauge!(READY.name, &labels).set(depth.ready as f64);
    let oldest = depth.oldest.unwrap_or_default();
    gauge!(OLDEST.name, &labels).set(oldest.as_secs_f64());
}

pub(crate) fn queue_is_empty(queue: &str) {
    let labels = [("queue", queue.to_owned())];
    for metric in [READY, OLDEST] {
        gauge!(metric.name, &labels).set(0.0);
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{ALL, Kind};

    const PAGE: &str = include_str!("../../../docs/metrics.md");

    #[test]
    fn the_page_lists_every_metric_and_no_other() {
        let lines: Vec<_> = PAGE
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        let expected = ALL.map(|metric| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::SecondsNow => "gauge, seconds",
                Kind::Seconds => "histogram, seconds",
            };
            format!("| `{}` | {kind} | {} |", metric.name, metric.about)
        });
        assert_eq!(lines, expected);
    }
}
