//! Heartbeats, on a thread and a connection of their own: neither handlers that block the program's threads nor a pool
//! that is used up keeps them from going on.

use std::{future::Future, io, sync::Arc, thread};

use taskbox_dal::{DAL, Error as DalError};
use tokio::{
    runtime::{self, Handle},
    select,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    Error, Result,
    incarnation::Incarnation,
    outage::Outage,
    time::{about, pause},
};

/// Where heartbeats are made. A thread ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Heart {
    dal: DAL,
    /// `None` for a `DAL` on a pool of the program's: a connection that was made on this thread would end with it, and
    /// be left in that pool.
    thread: Option<Thread>,
}

#[derive(Debug)]
struct Thread {
    runtime: Handle,
    _end: DropGuard,
}

impl Heart {
    /// Beats on a thread and by a connection of its own if the `DAL` can make one, and otherwise by the `DAL`, where the
    /// executor runs.
    pub(crate) fn new(dal: &DAL) -> Result<Self> {
        let own = dal
            .with_own_pool(1)
            .map_err(|error| Error::Thread(error.to_string()))?;
        Ok(match own {
            None => Self {
                dal: dal.clone(),
                thread: None,
            },
            Some(dal) => Self {
                dal,
                thread: Some(Thread::new().map_err(|error| Error::Thread(error.to_string()))?),
            },
        })
    }

    /// Keeps the incarnation alive until it is over or lost.
    pub(crate) fn keep(&self, incarnation: &Arc<Incarnation>) {
        let (dal, beating) = (self.dal.clone(), Arc::clone(incarnation));
        let watched = Arc::clone(incarnation);
        self.spawn(async move { beat(&dal, &beating).await });
        self.spawn(async move { watch(&watched).await });
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        match &self.thread {
            Some(thread) => thread.runtime.spawn(work),
            None => tokio::spawn(work),
        };
    }
}

impl Thread {
    fn new() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let end = CancellationToken::new();
        let ended = end.clone();
        let thread = thread::Builder::new().name("taskbox-heart".to_owned());
        thread.spawn(move || {
            runtime.block_on(ended.cancelled());
            runtime.shutdown_background();
        })?;
        Ok(Self {
            runtime: handle,
            _end: end.drop_guard(),
        })
    }
}

/// Renews the lease three times in its length, and at once if somebody asks for it.
async fn beat(dal: &DAL, incarnation: &Incarnation) {
    let interval = incarnation.lease() / 3;
    let mut outage = Outage::of("heartbeats");
    let mut next = about(interval);
    loop {
        select! {
            () = incarnation.over() => return,
            () = incarnation.asked_to_beat() => {}
            () = pause(next) => {}
        }
        let begun = Instant::now();
        let heartbeat = dal.worker().heartbeat(incarnation.worker());
        next = match timeout(interval, heartbeat).await {
            Ok(Ok(beat)) => {
                outage.is_over();
                incarnation.is_renewed(begun, &beat);
                about(interval)
            }
            Ok(Err(DalError::LeaseLost { .. })) => return incarnation.is_lost(),
            Ok(Err(error)) => outage.goes_on(&error).min(interval),
            Err(late) => outage.goes_on(&late).min(interval),
        };
    }
}

/// Stops the attempts while the lease still lasts if it could not be renewed. This is the only use of the program's own
/// clock: it can stop an attempt too early, and records nothing.
async fn watch(incarnation: &Incarnation) {
    let mut renewals = incarnation.renewals();
    loop {
        let renewed = *renewals.borrow_and_update();
        let at_risk = renewed + incarnation.lease().mul_f64(0.8);
        select! {
            () = incarnation.over() => return,
            _ = renewals.changed() => continue,
            () = sleep_until(at_risk) => {}
        }
        tracing::warn!(
            worker = %incarnation.worker().id,
            "the lease could not be renewed in time: stopping its attempts"
        );
        incarnation.running().interrupt_all();
        select! {
            () = incarnation.over() => return,
            _ = renewals.changed() => {}
        }
    }
}
