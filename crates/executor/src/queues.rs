use std::{collections::HashSet, sync::Arc, time::Duration};

use taskbox_dal::QueueDepth;
use tokio::select;

use crate::{
    engine::Shared,
    outage::Outage,
    telemetry,
    time::{about, pause},
};

/// Tells the metrics what waits in each queue, at once and so often, until the executor stops.
pub(crate) async fn watch(shared: Arc<Shared>, every: Duration) {
    let looks = async {
        let mut seen = HashSet::new();
        let mut outage = Outage::of("watching the queues");
        loop {
            let wait = match shared.dal.task_outbox().depths().await {
                Ok(depths) => {
                    outage.is_over();
                    tell(&depths, &mut seen);
                    about(every)
                }
                Err(error) => outage.goes_on(&error).max(every),
            };
            pause(wait).await;
        }
    };
    select! {
        () = shared.stop.begun() => {}
        () = looks => {}
    }
}

/// A queue in which nothing waits any more has no depth: it is told for as long as the executor works.
fn tell(depths: &[QueueDepth], seen: &mut HashSet<String>) {
    for depth in depths {
        telemetry::queue(depth);
    }
    let now: HashSet<&str> = depths.iter().map(|depth| &*depth.queue).collect();
    let empty = seen.iter().filter(|queue| !now.contains(queue.as_str()));
    empty.for_each(|queue| telemetry::queue_is_empty(queue));
    seen.extend(now.into_iter().map(str::to_owned));
}
