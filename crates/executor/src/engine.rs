//! The loop: registers, claims, and goes on as another worker when the first was taken for dead.

use std::{
    collections::HashSet,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use taskbox_dal::{DAL, Error as DalError};
use tokio::{select, sync::Notify, task::JoinSet, time::Instant};

use crate::{
    Error, Result,
    backoff::Backoff,
    claiming::claim,
    heart::Heart,
    outage::Outage,
    retention::forget,
    settings::Settings,
    shift::Shift,
    slots::{Room, Slots},
    stop::Stop,
    telemetry,
    time::pause,
};

/// The first pause between two looks for ready tasks.
const FIRST_POLL: Duration = Duration::from_millis(5);
/// A pause for which it is not worth asking when the next task is due.
const PRECISE: Duration = Duration::from_millis(50);
/// How long a stop that is to be immediate may take to write.
const IMMEDIATE: Duration = Duration::from_secs(5);

/// What every part of an executor knows.
pub(crate) struct Shared {
    pub(crate) dal: DAL,
    pub(crate) settings: Settings,
    pub(crate) slots: Arc<Slots>,
    pub(crate) wake: Arc<Notify>,
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
        let mut closing = JoinSet::new();
        while let Some(shift) = self.begin_shift().await {
            self.work(&shift).await;
            closing.spawn(shift.close());
            // What became of an earlier worker was said when it happened.
            while closing.len() > 1 && closing.try_join_next().is_some() {}
        }
        self.close(closing).await
    }

    /// Registers as a worker, however long that takes; `None` once it is to stop.
    async fn begin_shift(&self) -> Option<Shift> {
        let registered = async {
            let mut outage = Outage::of("registering");
            loop {
                match Shift::begin(&self.shared, &self.heart).await {
                    Ok(shift) => return shift,
                    Err(error) => pause(outage.goes_on(&error)).await,
                }
            }
        };
        select! {
            biased;
            // A worker that was registered all the same holds nothing, and is forgotten when its lease is over.
            () = self.shared.stop.begun() => None,
            shift = registered => Some(shift),
        }
    }

    /// Claims tasks until it is to stop, or to go on as another worker.
    async fn work(&self, shift: &Shift) {
        let mut looking = Looking::new(self.shared.settings.poll_interval);
        while let Some(room) = self.unless_over(shift, self.shared.slots.room()).await {
            let wait = self.claim_once(shift, &room, &mut looking).await;
            if self.unless_over(shift, self.wait(wait)).await.is_none() {
                return;
            }
        }
    }

    /// Answers with how long to wait before the next look.
    async fn claim_once(&self, shift: &Shift, room: &Room, looking: &mut Looking) -> Duration {
        let Shared { dal, slots, .. } = self.shared.as_ref();
        let incarnation = &shift.incarnation;
        let begun = Instant::now();
        // Not to be dropped: what a claim has committed would not be known here. After an immediate stop deregistering
        // gives it back.
        let claims = select! {
            claims = claim(dal, incarnation.worker(), room) => claims,
            () = self.shared.stop.immediate() => return Duration::ZERO,
        };
        match claims {
            Ok(claims) => {
                let found = claims.len();
                telemetry::claimed(found, begun.elapsed());
                for (queue, claim) in claims {
                    shift.take(claim, slots.take(queue)).await;
                }
                let wait = looking.found(dal, found, room);
                self.unless_over(shift, wait).await.unwrap_or_default()
            }
            Err(DalError::LeaseLost { .. }) => {
                // Over, and perhaps not lost: the next heartbeat knows.
                self.unless_over(shift, incarnation.renew()).await;
                Duration::ZERO
            }
            Err(error) => {
                if matches!(error, DalError::CommitUnknown { .. }) {
                    incarnation.retires();
                }
                looking.outage.goes_on(&error)
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

    /// Waits, no longer than until somebody says that there is something to do.
    async fn wait(&self, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        select! {
            () = self.shared.wake.notified() => {}
            () = pause(wait) => {}
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

/// How the engine looks for ready tasks while there are few.
struct Looking {
    polls: Backoff,
    outage: Outage,
}

impl Looking {
    fn new(poll_interval: Duration) -> Self {
        Self {
            polls: Backoff::new(FIRST_POLL, poll_interval),
            outage: Outage::of("claiming"),
        }
    }

    /// How long to wait after so many tasks were found for the room that there was: not at all if there are likely to be
    /// more.
    async fn found(&mut self, dal: &DAL, found: usize, room: &Room) -> Duration {
        self.outage.is_over();
        if found > 0 {
            self.polls.reset();
        }
        if found >= room.most() {
            return Duration::ZERO;
        }
        let wait = self.polls.next();
        if found > 0 || wait <= PRECISE {
            return wait;
        }
        match dal.task_execution().next_due().await {
            Ok(Some(due)) => wait.min(due.max(FIRST_POLL)),
            // An error shows again at the next claim.
            Ok(None) | Err(_) => wait,
        }
    }
}

fn unwritten(reason: &impl ToString) -> Result<()> {
    Err(Error::Unwritten {
        reason: reason.to_string(),
    })
}

#[cfg(all(test, feature = "postgres", feature = "sqlite"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use taskbox_dal::DAL;
    use taskbox_models::NewTaskExecution;
    use taskbox_test_support::TestDatabase;

    use super::{FIRST_POLL, Looking};
    use crate::{
        backoff::Backoff,
        outage::Outage,
        slots::{Queue, Room},
    };

    taskbox_test_support::suite! { the_next_look_is_when_the_next_task_is_due }

    const HOUR: Duration = Duration::from_hours(1);

    async fn the_next_look_is_when_the_next_task_is_due(db: &TestDatabase) {
        let dal = DAL::connect(db.url()).await.unwrap();
        let all = Queue {
            name: None,
            free: 9,
        };
        let room = Room {
            total: 9,
            queues: vec![(0, all)],
        };
        let mut looking = Looking {
            polls: Backoff::new(HOUR, HOUR),
            outage: Outage::of("tests"),
        };
        assert!(looking.found(&dal, 0, &room).await >= HOUR / 2);
        for (delay, longest) in [(HOUR / 10, HOUR / 10), (Duration::ZERO, FIRST_POLL)] {
            let task = dal
                .task_execution()
                .create(NewTaskExecution::standalone("a"))
                .await;
            dal.task_execution()
                .schedule(task.unwrap().id, delay)
                .await
                .unwrap();
            assert!(looking.found(&dal, 0, &room).await <= longest);
        }
        assert_eq!(looking.found(&dal, 9, &room).await, Duration::ZERO);
    }
}
