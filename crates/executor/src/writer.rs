//! Writes how attempts ended, many at a time.

use std::{sync::Arc, time::Duration};

use taskbox_dal::{DAL, Error};
use tokio::{
    select,
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::{
    batch::{Batch, End, Ended},
    incarnation::Incarnation,
    outage::Outage,
    telemetry,
    time::pause,
};

/// How many attempts one transaction writes at the most.
pub(crate) const MOST: usize = 1_000;
/// How long an end waits for others while attempts run that may bring some.
const WINDOW: Duration = Duration::from_millis(5);

pub(crate) struct Writer {
    pub(crate) dal: DAL,
    pub(crate) incarnation: Arc<Incarnation>,
    pub(crate) ends: mpsc::Receiver<Ended>,
    pub(crate) outage: Outage,
}

impl Writer {
    /// Writes until every attempt has ended and is written, or all were taken away.
    pub(crate) async fn run(mut self) {
        loop {
            let batch = self.gather().await;
            if batch.is_empty() {
                return;
            }
            let begun = Instant::now();
            let refused = self.write(batch).await;
            telemetry::wrote(begun.elapsed(), refused);
        }
    }

    /// What there is to write; empty at the end. Waits for more only while attempts run.
    async fn gather(&mut self) -> Vec<Ended> {
        let mut batch = Vec::new();
        self.ends.recv_many(&mut batch, MOST).await;
        let until = Instant::now() + WINDOW;
        while !batch.is_empty() && batch.len() < MOST && !self.incarnation.running().is_empty() {
            let room = MOST - batch.len();
            let more = self.ends.recv_many(&mut batch, room);
            match timeout_at(until, more).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        batch
    }

    /// An end is refused if the claim does not count any more, but also while the lease is over and nobody has taken the
    /// task. The next heartbeat would keep such a task from everyone, so its end is written again after that one, until it
    /// is refused while the lease is known to last. Answers with how many did not count.
    async fn write(&mut self, batch: Vec<Ended>) -> usize {
        let mut refused = self.write_all(batch).await;
        let mut is_sure = false;
        while !refused.is_empty() && !is_sure {
            let Some(renewed) = self.incarnation.renew().await else {
                return refused.len();
            };
            refused = self.write_all(refused).await;
            is_sure = renewed.elapsed() < self.incarnation.lease();
        }
        for ended in &refused {
            let task = ended.claim.task_execution_id();
            let epoch = ended.claim.epoch();
            tracing::debug!(%task, epoch, "the end did not count: the task was taken away");
        }
        refused.len()
    }

    /// Answers with those whose claims did not count.
    async fn write_all(&mut self, ended: Vec<Ended>) -> Vec<Ended> {
        let mut batches = vec![Batch::new(ended)];
        let mut refused = Vec::new();
        while let Some(mut batch) = batches.pop() {
            match self.write_batch(&mut batch).await {
                Ok(()) => {}
                Err(error) => batches.extend(self.without(&mut batch, &error)),
            }
            refused.extend(batch.into_refused());
        }
        refused
    }

    /// Tries until it is written, or everything was taken away. An error is one that time does not mend.
    async fn write_batch(&mut self, batch: &mut Batch) -> Result<(), Error> {
        while !self.incarnation.is_over() {
            match batch.write(&self.dal).await {
                Ok(()) => {
                    self.outage.is_over();
                    return Ok(());
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    let wait = self.outage.goes_on(&error);
                    select! {
                        () = pause(wait) => {}
                        () = self.incarnation.over() => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Sorts out what cannot be written: each end by itself, and in the place of one that is refused so the reason why.
    fn without(&self, batch: &mut Batch, error: &Error) -> Vec<Batch> {
        let mut unwritten = batch.take_unwritten();
        if unwritten.len() > 1 {
            return unwritten
                .into_iter()
                .map(|ended| Batch::new(vec![ended]))
                .collect();
        }
        match unwritten.pop() {
            Some(Ended {
                end: End::Fail { .. } | End::Release,
                claim,
            }) => {
                let task = claim.task_execution_id();
                tracing::error!(%task, %error, "the end of a task cannot be written: giving it back");
                self.incarnation.retires();
                Vec::new()
            }
            Some(Ended { claim, .. }) => {
                let error = format!("how the attempt ended cannot be kept: {error}");
                let end = End::Fail { error };
                vec![Batch::new(vec![Ended { claim, end }])]
            }
            None => Vec::new(),
        }
    }
}

/// Whether the database was there, and refused what it was given.
fn is_final(error: &Error) -> bool {
    match error {
        Error::InvalidInput { .. } => true,
        Error::Database(_) => !error.is_transient(),
        _ => false,
    }
}
