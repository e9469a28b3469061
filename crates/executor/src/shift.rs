//! What an incarnation does: its attempts, the writer of their ends, and its sweeps.

use std::{sync::Arc, time::Duration};

use taskbox_dal::Error as DalError;
use taskbox_models::Claim;
use tokio::{select, sync::mpsc, task::JoinHandle, time::Instant};
use tokio_util::task::TaskTracker;

use crate::{
    Error, Result, TaskContext,
    attempt::Attempt,
    batch::{End, Ended},
    engine::Shared,
    heart::Heart,
    incarnation::Incarnation,
    late::Late,
    outage::Outage,
    slots::Slot,
    sweeper::sweep,
    time::{about, pause},
    writer::{self, Writer},
};

/// How long a task that nobody here knows is put off.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);

pub(crate) struct Shift {
    pub(crate) incarnation: Arc<Incarnation>,
    shared: Arc<Shared>,
    attempts: TaskTracker,
    ends: mpsc::Sender<Ended>,
    writer: JoinHandle<()>,
}

impl Shift {
    /// Registers, and begins to beat, to sweep and to write.
    pub(crate) async fn begin(shared: &Arc<Shared>, heart: &Heart) -> Result<Self, DalError> {
        let begun = Instant::now();
        let worker = shared.dal.worker().register(&shared.settings.name).await?;
        let incarnation = Arc::new(Incarnation::new(worker, begun));
        heart.keep(&incarnation);
        tokio::spawn(sweep(shared.dal.clone(), Arc::clone(&incarnation)));
        let (ends, receiver) = mpsc::channel(2 * writer::MOST);
        let writer = Writer {
            dal: shared.dal.clone(),
            incarnation: Arc::clone(&incarnation),
            ends: receiver,
            outage: Outage::of("writing ends"),
            late: Late::new(),
        };
        Ok(Self {
            incarnation,
            shared: Arc::clone(shared),
            attempts: TaskTracker::new(),
            ends,
            writer: tokio::spawn(writer.run()),
        })
    }

    /// Runs a task, puts it off if it has no handler here, or gives it back if there is no time for it any more.
    pub(crate) async fn take(&self, claim: Claim, slot: Slot) {
        if self.shared.stop.has_begun() {
            return self.end(claim, End::Release).await;
        }
        let Some(handler) = self.shared.settings.tasks.get(claim.task_name()) else {
            self.shared.report_unknown(claim.task_name());
            let delay = about(UNKNOWN_FOR);
            return self.end(claim, End::Defer { delay }).await;
        };
        let token = self.shared.stop.token();
        self.incarnation.running().insert(&claim, token.clone());
        let attempt = Attempt {
            context: TaskContext::new(claim, self.shared.dal.clone(), token),
            handler: Arc::clone(handler),
            hook: self.shared.settings.on_attempt.clone(),
            retry: self.shared.settings.retry,
            incarnation: Arc::clone(&self.incarnation),
            stop: self.shared.stop.clone(),
            ends: self.ends.clone(),
            slot,
        };
        self.attempts.spawn(attempt.run());
    }

    async fn end(&self, claim: Claim, end: End) {
        select! {
            // Without a writer everything was taken from the worker.
            _ = self.ends.send(Ended { claim, end }) => {}
            () = self.shared.stop.immediate() => {}
        }
    }

    /// Ends when its attempts have ended and all is written. What is left then goes back, with its attempt.
    pub(crate) async fn close(self) -> Result<()> {
        self.incarnation.retires();
        self.attempts.close();
        self.attempts.wait().await;
        drop(self.ends);
        let patience = self.incarnation.lease();
        let rest = async {
            // A writer that panicked has left ends unwritten, which deregistering gives back.
            let _ = self.writer.await;
            deregister(&self.shared, &self.incarnation).await;
        };
        let written = tokio::time::timeout(patience, rest).await;
        self.incarnation.ends();
        written.map_err(|_| Error::Unwritten {
            reason: format!("the database could not be used for {patience:?}"),
        })
    }
}

/// Tries until it is done, or there is nothing to do since everything was taken away.
async fn deregister(shared: &Shared, incarnation: &Incarnation) {
    let mut outage = Outage::of("deregistering");
    while !incarnation.is_over() {
        let worker = incarnation.worker().clone();
        match shared.dal.worker().deregister(worker).await {
            Ok(()) => return,
            Err(error) => {
                let wait = outage.goes_on(&error);
                select! {
                    () = pause(wait) => {}
                    () = incarnation.over() => {}
                }
            }
        }
    }
}
