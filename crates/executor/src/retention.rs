use std::{sync::Arc, time::Duration};

use tokio::{select, time::Instant};

use crate::{
    engine::Shared,
    outage::Outage,
    telemetry,
    time::{about, pause},
};

/// How long after the end of one walk through the history the next begins.
const INTERVAL: Duration = Duration::from_hours(1);
/// How many events one transaction looks at.
const AT_ONCE: i64 = 1_000;
/// The shortest pause between two transactions.
const PAUSE: Duration = Duration::from_millis(10);

/// Deletes what ended longer ago than `age`, until the executor stops.
pub(crate) async fn forget(shared: Arc<Shared>, age: Duration) {
    select! {
        () = shared.stop.begun() => {}
        () = walk_again_and_again(&shared, age) => {}
    }
}

async fn walk_again_and_again(shared: &Shared, age: Duration) {
    let mut outage = Outage::of("deleting old history");
    loop {
        walk(shared, age, &mut outage).await;
        pause(about(INTERVAL)).await;
    }
}

/// Leaves the database to others for at least as long as it has used it itself.
async fn walk(shared: &Shared, age: Duration, outage: &mut Outage) {
    let mut position = Some(0);
    while let Some(after) = position {
        let begun = Instant::now();
        let history = shared.dal.execution_event();
        match history.prune(age, after, AT_ONCE).await {
            Ok(pruned) => {
                outage.is_over();
                telemetry::pruned(&pruned);
                position = pruned.next;
                if pruned.events > 0 {
                    let (pipelines, tasks) = (pruned.pipelines, pruned.tasks);
                    tracing::debug!(pipelines, tasks, pruned.events, "deleted old history");
                }
                pause(begun.elapsed().max(PAUSE)).await;
            }
            Err(error) => pause(outage.goes_on(&error)).await,
        }
    }
}
