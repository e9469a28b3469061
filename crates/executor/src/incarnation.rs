use std::{future::Future, time::Duration};

use taskbox_dal::Heartbeat;
use taskbox_models::Worker;
use tokio::{
    select,
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{running::Running, telemetry};

/// The executor as one worker, from its registration to its end. An executor whose worker was taken for dead goes on as
/// another.
#[derive(Debug)]
pub(crate) struct Incarnation {
    worker: Worker,
    lease: Duration,
    running: Running,
    /// When the last heartbeat that succeeded was begun, by the program's clock.
    renewed: watch::Sender<Instant>,
    beat: Notify,
    /// Takes no more tasks, whatever the reason.
    retired: CancellationToken,
    /// Everything was taken from it, or it has deregistered.
    over: CancellationToken,
}

impl Incarnation {
    /// Of a worker whose registration was begun then.
    pub(crate) fn new(worker: Worker, begun: Instant) -> Self {
        let lease = worker.lease_expires_at - worker.registered_at;
        Self {
            // Both are the database's own times. If they could not be believed, the lease would only seem shorter.
            lease: lease.to_std().unwrap_or_default(),
            worker,
            running: Running::default(),
            renewed: watch::Sender::new(begun),
            beat: Notify::new(),
            retired: CancellationToken::new(),
            over: CancellationToken::new(),
        }
    }

    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }

    pub(crate) fn lease(&self) -> Duration {
        self.lease
    }

    /// How long an attempt has to return after its token fired. The token fires with a fifth of the lease left.
    pub(crate) fn notice(&self) -> Duration {
        self.lease / 6
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    pub(crate) fn renewals(&self) -> watch::Receiver<Instant> {
        self.renewed.subscribe()
    }

    pub(crate) fn is_renewed(&self, begun: Instant, beat: &Heartbeat) {
        self.running.interrupt(&beat.lost);
        self.running.interrupt(&beat.cancelled);
        self.renewed.send_replace(begun);
    }

    /// Waits for a heartbeat beyond those that have ended, and answers with when it was begun: the lease lasts from then
    /// on at the least. `None` if everything was taken from the worker.
    pub(crate) async fn renew(&self) -> Option<Instant> {
        let mut renewals = self.renewals();
        self.beat.notify_one();
        select! {
            () = self.over() => return None,
            renewed = renewals.changed() => renewed.ok()?,
        }
        let renewed = *renewals.borrow();
        Some(renewed)
    }

    pub(crate) fn asked_to_beat(&self) -> impl Future<Output = ()> + '_ {
        self.beat.notified()
    }

    /// Everything was taken from it.
    pub(crate) fn is_lost(&self) {
        tracing::warn!(worker = %self.worker.id, "the lease is lost, and with it all tasks: registering anew");
        telemetry::lost_lease();
        self.ends();
        self.running.interrupt_all();
    }

    /// It may hold tasks that the executor does not know of, which its heartbeats would keep from all others: so it takes
    /// no more, and gives back what it has once its attempts have ended.
    pub(crate) fn retires(&self) {
        self.retired.cancel();
    }

    /// It needs no more heartbeats.
    pub(crate) fn ends(&self) {
        self.retired.cancel();
        self.over.cancel();
    }

    pub(crate) fn retired(&self) -> impl Future<Output = ()> + '_ {
        self.retired.cancelled()
    }

    pub(crate) fn over(&self) -> impl Future<Output = ()> + '_ {
        self.over.cancelled()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }
}
