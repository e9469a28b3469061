//! Whether anybody takes what is ready, and can run it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use taskbox_dal::{DAL, LastClaim, PutOff, QueueDepth, WorkerLoad};

use super::{EVENTS, Found};
use crate::{command::doctor::finding::Finding, text};

/// How many workers are looked at, those that registered first.
const WORKERS: i64 = 10_000;
/// For how long nothing need happen before something is wrong.
const PATIENCE: Duration = Duration::from_mins(5);

pub(in crate::command::doctor) async fn workers(dal: &DAL) -> Found {
    let loads = dal.worker().list(WORKERS).await?;
    Ok(dead(&loads, dal.now().await?).into_iter().collect())
}

/// Workers whose lease has been over for so long that somebody should have seen it.
fn dead(loads: &[WorkerLoad], now: DateTime<Utc>) -> Option<Finding> {
    const NOTICED: Duration = Duration::from_mins(1);
    let over = |load: &WorkerLoad| (now - load.worker.lease_expires_at).to_std().ok();
    let dead = loads.iter().filter(|load| over(load) > Some(NOTICED));
    let dead: Vec<&WorkerLoad> = dead.collect();
    let longest = dead.iter().filter_map(|load| over(load)).max()?;
    let running: i64 = dead.iter().map(|load| load.running).sum();
    let seen = format!(
        "{} with {}, whose leases have been over for up to {}",
        text::count(dead.len() as i128, "worker"),
        text::count(running, "task"),
        text::duration(longest)
    );
    let remedy = "start an executor: any takes their tasks back, and none seems to be alive";
    let ids = dead.iter().map(|load| load.worker.id).collect();
    let finding = match running {
        0 => Finding::note(seen, remedy),
        _ => Finding::warning(seen, remedy),
    };
    Some(finding.about(ids))
}

/// How many workers have a lease.
async fn alive(dal: &DAL) -> taskbox_dal::Result<usize> {
    let loads = dal.worker().list(WORKERS).await?;
    let alive = loads.iter().filter(|load| !load.lease_left.is_zero());
    Ok(alive.count())
}

pub(in crate::command::doctor) async fn queues(dal: &DAL) -> Found {
    let depths = dal.task_outbox().depths().await?;
    let claims = dal.doctor().last_claims(EVENTS).await?;
    let alive = alive(dal).await?;
    let findings = depths.iter().filter_map(|depth| {
        let claim = claims.iter().find(|claim| claim.queue == depth.queue);
        stuck(depth, claim, alive)
    });
    Ok(findings.collect())
}

/// A queue in which a task has waited for long. Which queues a worker takes from it tells nobody, so what is known is
/// when somebody last took from this one.
fn stuck(depth: &QueueDepth, claim: Option<&LastClaim>, alive: usize) -> Option<Finding> {
    let oldest = depth.oldest.filter(|oldest| *oldest >= PATIENCE)?;
    let seen = format!(
        "{} in queue {:?}, the oldest for {}",
        text::count(depth.ready, "ready task"),
        depth.queue,
        text::duration(oldest)
    );
    let alive = text::count(alive as i128, "worker");
    Some(match claim {
        Some(claim) if claim.ago < PATIENCE => Finding::note(
            format!(
                "{seen}; others are claimed, the last {} ago",
                text::duration(claim.ago)
            ),
            "start more executors for this queue, or look at the priorities",
        ),
        _ => Finding::warning(
            match claim {
                Some(claim) => format!(
                    "{seen}; nothing was claimed from it for {}, {alive} alive",
                    text::duration(claim.ago)
                ),
                None => format!(
                    "{seen}; none of the newest {} is a claim from it, {alive} alive",
                    text::count(EVENTS, "event")
                ),
            },
            "start an executor that claims from this queue",
        ),
    })
}

pub(in crate::command::doctor) async fn due(dal: &DAL) -> Found {
    let due = dal.task_execution().count_live().await?.due;
    if due == 0 || alive(dal).await? > 0 {
        return Ok(Vec::new());
    }
    let seen = format!(
        "{} due, and no worker is alive",
        text::count(due, "scheduled task")
    );
    let remedy = "start an executor: it makes them ready";
    Ok(vec![Finding::warning(seen, remedy)])
}

pub(in crate::command::doctor) async fn handlers(dal: &DAL) -> Found {
    let names = dal
        .doctor()
        .put_off(Duration::from_hours(1), EVENTS)
        .await?;
    Ok(names.iter().filter_map(unknown).collect())
}

/// Tasks that are put off again and again. Once may be for a reason of their own.
fn unknown(name: &PutOff) -> Option<Finding> {
    const OFTEN: i64 = 3;
    (name.times >= OFTEN * name.tasks).then(|| {
        let seen = format!(
            "{} named {:?}, put off {} times in the last hour, and none of the name ended",
            text::count(name.tasks, "task"),
            name.task_name,
            text::number(name.times)
        );
        let remedy = "give the executors of its queue a handler of this name: they put off what they do not know";
        Finding::warning(seen, remedy)
    })
}
