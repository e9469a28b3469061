use std::{collections::HashSet, time::Duration};

use serde_json::Value;
use taskbox_dal::{DAL, Moved, Result};
use taskbox_models::Claim;

/// An attempt that has ended, and how.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) claim: Claim,
    pub(crate) end: End,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    Complete(Option<Value>),
    Retry { error: String, delay: Duration },
    Fail { error: String },
    Defer { delay: Duration },
    Release,
}

/// Attempts that have ended and are to be written: those that ended in one way by one statement, in a transaction of its
/// own, so that the batches of two executors lock in one order.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    completed: Vec<(Claim, Option<Value>)>,
    retried: Vec<(Claim, String, Duration)>,
    failed: Vec<(Claim, String)>,
    deferred: Vec<(Claim, Duration)>,
    released: Vec<Claim>,
    /// Those whose claims did not count.
    refused: Vec<Ended>,
}

impl Batch {
    pub(crate) fn new(ended: Vec<Ended>) -> Self {
        let mut batch = Self::default();
        batch.add(ended);
        batch
    }

    pub(crate) fn add(&mut self, ended: Vec<Ended>) {
        for Ended { claim, end } in ended {
            match end {
                End::Complete(output) => self.completed.push((claim, output)),
                End::Retry { error, delay } => self.retried.push((claim, error, delay)),
                End::Fail { error } => self.failed.push((claim, error)),
                End::Defer { delay } => self.deferred.push((claim, delay)),
                End::Release => self.released.push(claim),
            }
        }
    }

    /// How many are not written yet.
    pub(crate) fn len(&self) -> usize {
        self.completed.len()
            + self.retried.len()
            + self.failed.len()
            + self.deferred.len()
            + self.released.len()
    }

    /// Writes what is not written yet. After an error it can be called again.
    pub(crate) async fn write(&mut self, dal: &DAL) -> Result<()> {
        let tasks = || dal.task_execution();
        let refused = &mut self.refused;
        if !self.completed.is_empty() {
            let outcome = tasks().complete_many(&self.completed).await?;
            settle(&outcome, &mut self.completed, completed, refused);
        }
        if !self.retried.is_empty() {
            let outcome = tasks().schedule_retry_many(&self.retried).await?;
            settle(&outcome, &mut self.retried, retried, refused);
        }
        if !self.failed.is_empty() {
            let outcome = tasks().fail_many(&self.failed).await?;
            settle(&outcome, &mut self.failed, failed, refused);
        }
        if !self.deferred.is_empty() {
            let outcome = tasks().defer_many(&self.deferred).await?;
            settle(&outcome, &mut self.deferred, deferred, refused);
        }
        if !self.released.is_empty() {
            let outcome = tasks().release_many(&self.released).await?;
            settle(&outcome, &mut self.released, released, refused);
        }
        Ok(())
    }

    /// What is not written yet, and leaves nothing to write.
    pub(crate) fn take_unwritten(&mut self) -> Vec<Ended> {
        let completed = self.completed.drain(..).map(completed);
        let unwritten = completed
            .chain(self.retried.drain(..).map(retried))
            .chain(self.failed.drain(..).map(failed))
            .chain(self.deferred.drain(..).map(deferred))
            .chain(self.released.drain(..).map(released));
        unwritten.collect()
    }

    pub(crate) fn into_refused(self) -> Vec<Ended> {
        self.refused
    }
}

/// Forgets what was written, and keeps what was refused.
fn settle<T>(
    outcome: &Moved,
    written: &mut Vec<T>,
    ended: fn(T) -> Ended,
    refused: &mut Vec<Ended>,
) {
    let tasks: HashSet<_> = outcome.refused.iter().map(|refusal| refusal.task).collect();
    let ended = written.drain(..).map(ended);
    refused.extend(ended.filter(|ended| tasks.contains(&ended.claim.task_execution_id())));
}

fn completed((claim, output): (Claim, Option<Value>)) -> Ended {
    let end = End::Complete(output);
    Ended { claim, end }
}

fn retried((claim, error, delay): (Claim, String, Duration)) -> Ended {
    let end = End::Retry { error, delay };
    Ended { claim, end }
}

fn failed((claim, error): (Claim, String)) -> Ended {
    let end = End::Fail { error };
    Ended { claim, end }
}

fn deferred((claim, delay): (Claim, Duration)) -> Ended {
    let end = End::Defer { delay };
    Ended { claim, end }
}

fn released(claim: Claim) -> Ended {
    let end = End::Release;
    Ended { claim, end }
}
