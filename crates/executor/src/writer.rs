//! Writes how attempts ended, many at a time.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use taskbox_dal::{DAL, Error};
use tokio::{
    select,
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::{
    batch::{Batch, End, Ended},
    incarnation::Incarnation,
    late::Late,
    outage::Outage,
    telemetry,
    time::pause,
};

/// How many attempts one transaction writes at the most.
pub(crate) const MOST: usize = 1_000;
/// How long an end waits for others while attempts run that may bring some.
const WINDOW: Duration = Duration::from_millis(5);

/// How often a batch is tried before its ends are tried each by itself.
const TOGETHER: u32 = 3;
/// How many ends in a row the database refuses if it is not for the ends.
const IN_A_ROW: usize = 3;

pub(crate) struct Writer {
    pub(crate) dal: DAL,
    pub(crate) incarnation: Arc<Incarnation>,
    pub(crate) ends: mpsc::Receiver<Ended>,
    pub(crate) outage: Outage,
    pub(crate) late: Late,
}

/// What became of ends that were written each by itself.
#[derive(Default)]
struct Apart {
    /// Those whose claims did not count.
    refused: Vec<Ended>,
    /// Those that the database did not take, and why.
    in_vain: Vec<(Ended, Error)>,
    /// Those that were not tried, since the database took none any more.
    rest: Vec<Ended>,
    /// Whether it took any.
    took_some: bool,
}

impl Writer {
    /// Writes until every attempt has ended and is written, or all were taken away.
    pub(crate) async fn run(mut self) {
        loop {
            let batch = self.gather().await;
            let late = self.late.take_due();
            if batch.is_empty() && late.is_empty() {
                return;
            }
            let begun = Instant::now();
            let mut refused = self.write_all(batch).await;
            refused.extend(self.write_late(late).await);
            let refused = self.insist(refused).await;
            telemetry::wrote(begun.elapsed(), refused);
        }
    }

    /// What there is to write; nothing at the end, or when it is time for what is late. Waits for more only while attempts
    /// run.
    async fn gather(&mut self) -> Vec<Ended> {
        let mut batch = Vec::new();
        let more_may_come = select! {
            received = self.ends.recv_many(&mut batch, MOST) => received > 0,
            () = self.late.due() => true,
        };
        if !more_may_come && !self.late.is_empty() {
            select! {
                () = self.late.due() => {}
                () = self.incarnation.over() => {}
            }
        }
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
    async fn insist(&mut self, mut refused: Vec<Ended>) -> usize {
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
        let mut refused = Vec::new();
        let mut unwritten = ended;
        while !unwritten.is_empty() && !self.incarnation.is_over() {
            let mut batch = Batch::new(unwritten);
            self.write_batch(&mut batch).await;
            let apart = self.write_apart(batch.take_unwritten()).await;
            refused.extend(batch.into_refused());
            refused.extend(apart.refused);
            unwritten = apart.rest;
            if apart.took_some {
                self.late.add(apart.in_vain);
            } else {
                // Behind the others, which so are tried before them the next time.
                unwritten.extend(apart.in_vain.into_iter().map(|(ended, _)| ended));
            }
        }
        refused
    }

    /// Answers with those whose claims did not count.
    async fn write_late(&mut self, ended: Vec<Ended>) -> Vec<Ended> {
        if ended.is_empty() {
            return ended;
        }
        let apart = self.write_apart(ended).await;
        self.late.put_back(apart.rest);
        self.late.add(apart.in_vain);
        apart.refused
    }

    /// Tries until it is written, or everything was taken away, or the ends are better tried each by itself: when one of them
    /// is what the database refuses, or may be. Takes in what comes meanwhile, so that there is more than one to try.
    async fn write_batch(&mut self, batch: &mut Batch) {
        let mut tries = 0;
        while !self.incarnation.is_over() {
            let error = match batch.write(&self.dal).await {
                Ok(()) => return self.outage.is_over(),
                Err(error) => error,
            };
            tries += 1;
            if is_final(&error) || (tries >= TOGETHER && batch.len() > 1) {
                return;
            }
            let wait = self.outage.goes_on(&error);
            select! {
                () = pause(wait) => {}
                () = self.incarnation.over() => {}
            }
            while batch.len() < MOST
                && let Ok(ended) = self.ends.try_recv()
            {
                batch.add(vec![ended]);
            }
        }
    }

    /// Tries each end once and by itself, until the database takes none any more.
    async fn write_apart(&mut self, ended: Vec<Ended>) -> Apart {
        let mut apart = Apart::default();
        let mut in_a_row = 0;
        let mut rest = VecDeque::from(ended);
        while in_a_row < IN_A_ROW
            && !self.incarnation.is_over()
            && let Some(ended) = rest.pop_front()
        {
            let mut batch = Batch::new(vec![ended]);
            let written = batch.write(&self.dal).await;
            let unwritten = batch.take_unwritten().into_iter();
            match written {
                Ok(()) => {
                    self.outage.is_over();
                    apart.took_some = true;
                    in_a_row = 0;
                }
                Err(error) if is_final(&error) => {
                    rest.extend(unwritten.filter_map(|ended| self.instead_of(ended, &error)));
                }
                Err(error) => {
                    in_a_row += 1;
                    // One at the most.
                    apart.in_vain.extend(unwritten.zip(Some(error)));
                }
            }
            apart.refused.extend(batch.into_refused());
        }
        apart.rest = rest.into();
        apart
    }

    /// In the place of an end that cannot be written the reason why. If not even that can be, the task is given back.
    fn instead_of(&self, ended: Ended, error: &Error) -> Option<Ended> {
        let Ended { claim, end } = ended;
        if matches!(end, End::Fail { .. } | End::Release) {
            let task = claim.task_execution_id();
            tracing::error!(%task, %error, "the end of a task cannot be written: giving it back");
            self.incarnation.retires();
            return None;
        }
        let error = format!("how the attempt ended cannot be kept: {error}");
        let end = End::Fail { error };
        Some(Ended { claim, end })
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
