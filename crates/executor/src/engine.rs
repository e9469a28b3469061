//! The loop: registers, claims, and goes on as another worker when the first was taken for dead.

use std::{
    collections::HashSet,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use taskbox_dal::{DAL, Error as DalError};
use tokio::{select, task::JoinSet, time::Instant};

use crate::{
    Error, Result,
    claiming::{self, Found},
    heart::Heart,
    looking::Looking,
    outage::Outage,
    queues,
    retention::forget,
    settings::Settings,
    shift::Shift,
    slots::{Room, Slots},
    stop::Stop,
    telemetry,
    time::pause,
};

/// How long a stop that is to be immediate may take to write.
const IMMEDIATE: Duration = Duration::from_secs(5);
/// How long a stop waits for a registration that has begun.
const REGISTERING: Duration = Duration::from_secs(5);

/// What every part of an executor knows.
pub(crate) struct Shared {
    pub(crate) dal: DAL,
    pub(crate) settings: Settings,
    pub(crate) slots: Arc<Slots>,
    pub(crate) stop: Stop,
    pub(crate) unknown: Mutex<HashSet<String>>,
}

impl Shared {
    /// Says once of each name that no handler has it.
    pub(crate) fn report_unknown(&self, name: &str) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if !unknown.contains(name) {
            unknown.insert(name.to_owned());
            tracing::warn!(
                task_name = name,
                "no handler has this name: such tasks are put off"
            );
        }
    }
}

pub(crate) struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) heart: Heart,
}

impl Engine {
    /// Works until it is told to stop, and returns when everything is written.
    pub(crate) async fn run(self) -> Result<()> {
        if let Some(age) = self.shared.settings.retention {
            tokio::spawn(forget(Arc::clone(&self.shared), age));
        }
        if let Some(every) = self.shared.settings.watch_queues {
            tokio::spawn(queues::watch(Arc::clone(&self.shared), every));
        }
        let mut closing = JoinSet::new();
        let wakeups = self.shared.dal.wakeups();
        let mut looking = Looking::new(wakeups, self.shared.settings.poll_interval);
        while let Some(shift) = self.begin_shift().await {
            self.work(&shift, &mut looking).await;
            closing.spawn(shift.close());
            // What became of an earlier worker was said when it happened.
            while closing.len() > 1 && closing.try_join_next().is_some() {}
        }
        self.close(closing).await
    }

    /// Registers as a worker, however long that takes; `None` once it is to stop.
    async fn begin_shift(&self) -> Option<Shift> {
        let stop = &self.shared.stop;
        let mut outage = Outage::of("registering");
        while !stop.has_begun() {
            let begun = select! {
                begun = Shift::begin(&self.shared, &self.heart) => begun,
                () = self.registers_no_more() => return None,
            };
            match begun {
                Ok(shift) => return Some(shift),
                Err(error) => {
                    let wait = outage.goes_on(&error);
                    select! {
                        () = pause(wait) => {}
                        () = stop.begun() => {}
                    }
                }
            }
        }
        None
    }

    /// Some time after the stop began: if the registration is dropped at its COMMIT, the database may carry it out, and
    /// nobody deregisters. Such a worker holds nothing, and is forgotten when its lease is over.
    async fn registers_no_more(&self) {
        let stop = &self.shared.stop;
        stop.begun().await;
        select! {
            () = pause(REGISTERING) => {}
            () = stop.immediate() => {}
        }
    }

    /// Claims tasks until it is to stop, or to go on as another worker.
    async fn work(&self, shift: &Shift, looking: &mut Looking) {
        while let Some(mut room) = self.unless_over(shift, self.shared.slots.room()).await {
            let until = self.look(shift, &mut room, looking).await;
            let wait = looking.wait(&self.shared.slots, &room, until);
            if self.unless_over(shift, wait).await.is_none() {
                return;
            }
        }
    }

    /// Answers with when to look again, and leaves the room that there is after what was found.
    async fn look(&self, shift: &Shift, room: &mut Room, looking: &mut Looking) -> Instant {
        let Shared { dal, slots, .. } = self.shared.as_ref();
        let incarnation = &shift.incarnation;
        let begun = Instant::now();
        // Not to be dropped: what a claim has committed would not be known here. After an immediate stop deregistering
        // gives it back.
        let found = select! {
            found = claiming::look(dal, incarnation.worker(), room) => found,
            () = self.shared.stop.immediate() => return Instant::now(),
        };
        match found {
            Ok(Found::Claims(claims)) => {
                let found = claims.len();
                let until = looking.after_finding(found, room);
                telemetry::claimed(found, begun.elapsed());
                for (queue, claim) in claims {
                    room.fill(queue);
                    shift.take(claim, slots.take(queue)).await;
                }
                // They begin before another transaction does: one that blocks the thread must not hold that open.
                tokio::task::yield_now().await;
                until
            }
            Ok(Found::Nothing { due_in }) => {
                telemetry::claimed(0, begun.elapsed());
                looking.after_finding_none(due_in)
            }
            Err(DalError::LeaseLost { .. }) => {
                // Over, and perhaps not lost: the next heartbeat knows.
                self.unless_over(shift, incarnation.renew()).await;
                Instant::now()
            }
            Err(error) => {
                if matches!(error, DalError::CommitUnknown { .. }) {
                    incarnation.retires();
                }
                looking.after_failing(&error)
            }
        }
    }

    /// `None` once the shift takes no more tasks.
    async fn unless_over<T>(&self, shift: &Shift, work: impl Future<Output = T>) -> Option<T> {
        select! {
            biased;
            () = self.shared.stop.begun() => None,
            () = shift.incarnation.retired() => None,
            done = work => Some(done),
        }
    }

    /// Waits for what still runs: for the grace period, then by its tokens, and no longer once it is to stop at once.
    async fn close(&self, mut closing: JoinSet<Result<()>>) -> Result<()> {
        let stop = &self.shared.stop;
        let closed = async {
            let mut end = Ok(());
            while let Some(closed) = closing.join_next().await {
                end = end.and(closed.unwrap_or_else(|error| unwritten(&error)));
            }
            end
        };
        let interrupt = async {
            pause(self.shared.settings.grace_period).await;
            stop.interrupt();
            std::future::pending::<()>().await;
        };
        let immediate = async {
            stop.immediate().await;
            pause(IMMEDIATE).await;
        };
        select! {
            end = closed => end,
            () = interrupt => Ok(()),
            () = immediate => unwritten(&"it was to stop at once"),
        }
    }
}

fn unwritten(reason: &impl ToString) -> Result<()> {
    Err(Error::Unwritten {
        reason: reason.to_string(),
    })
}
