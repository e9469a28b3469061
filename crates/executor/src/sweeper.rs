use std::sync::Arc;

use taskbox_dal::DAL;
use tokio::select;

use crate::{
    incarnation::Incarnation,
    outage::Outage,
    telemetry,
    time::{about, pause},
};

/// How many tasks one transaction takes back at the most.
const AT_ONCE: usize = 100;

/// Takes the tasks of dead workers back, three times in the length of a lease, until the incarnation takes no more tasks.
pub(crate) async fn sweep(dal: DAL, incarnation: Arc<Incarnation>) {
    let interval = incarnation.lease() / 3;
    let mut outage = Outage::of("sweeps");
    loop {
        select! {
            () = incarnation.retired() => return,
            () = pause(about(interval)) => {}
        }
        while sweep_once(&dal, &mut outage).await == AT_ONCE {}
    }
}

/// Answers with how many tasks it took back.
async fn sweep_once(dal: &DAL, outage: &mut Outage) -> usize {
    let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    match dal.task_execution().recover_expired(limit).await {
        Ok(swept) => {
            outage.is_over();
            telemetry::swept(&swept);
            for task in &swept.abandoned {
                tracing::warn!(%task, "the task has failed: too many workers died with it");
            }
            swept.recovered.len() + swept.abandoned.len()
        }
        Err(error) => {
            outage.goes_on(&error);
            0
        }
    }
}
