//! The whole as JSON.

use serde::Serialize;
use taskbox_dal::{QueueDepth, Recent, WorkerLoad};
use taskbox_models::Worker;

use super::Found;

#[derive(Serialize)]
pub(crate) struct Report<'a> {
    queues: Vec<Queue<'a>>,
    scheduled: i64,
    due: i64,
    running: i64,
    workers: Vec<Load<'a>>,
    failed: Count,
    abandoned: Count,
    retried: Count,
    completed_per_minute: f64,
}

#[derive(Serialize)]
struct Queue<'a> {
    name: &'a str,
    ready: i64,
    held: i64,
    oldest_seconds: Option<f64>,
}

#[derive(Serialize)]
struct Load<'a> {
    #[serde(flatten)]
    worker: &'a Worker,
    running: i64,
    lease_seconds: f64,
}

/// A number of events, and in which time.
#[derive(Serialize)]
struct Count {
    count: i64,
    seconds: f64,
}

impl<'a> Report<'a> {
    pub(super) fn of(found: &'a Found) -> Self {
        Self {
            queues: found.queues.iter().map(Queue::of).collect(),
            scheduled: found.live.scheduled,
            due: found.live.due,
            running: found.live.running,
            workers: found.workers.iter().map(Load::of).collect(),
            failed: Count::of(found.failed),
            abandoned: Count::of(found.abandoned),
            retried: Count::of(found.retried),
            completed_per_minute: found.completed_per_minute(),
        }
    }
}

impl Count {
    fn of(recent: Recent) -> Self {
        Self {
            count: recent.count,
            seconds: recent.span.as_secs_f64(),
        }
    }
}

impl<'a> Queue<'a> {
    fn of(depth: &'a QueueDepth) -> Self {
        Self {
            name: &depth.queue,
            ready: depth.ready,
            held: depth.held,
            oldest_seconds: depth.oldest.map(|it| it.as_secs_f64()),
        }
    }
}

impl<'a> Load<'a> {
    fn of(load: &'a WorkerLoad) -> Self {
        Self {
            worker: &load.worker,
            running: load.running,
            lease_seconds: load.lease_left.as_secs_f64(),
        }
    }
}
