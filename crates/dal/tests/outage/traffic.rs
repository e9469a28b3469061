//! Programs that go on through an outage, and remember what they were answered.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use taskbox_dal::{DAL, Error};
use taskbox_models::{Claim, NewTaskExecution, TaskStatus, Worker};
use taskbox_test_support::TestDatabase;
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

use crate::support::own_sql;

/// Drivers that work side by side, by one `DAL`.
pub(crate) struct Traffic {
    drivers: JoinSet<Driven>,
    goes_on: Arc<AtomicBool>,
    calls: watch::Receiver<Calls>,
}

/// How many calls did what they were to do, and how many said that they could not.
#[derive(Clone, Copy, Default)]
struct Calls {
    answered: usize,
    failed: usize,
}

impl Traffic {
    pub(crate) async fn start(dal: &DAL, number: usize) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let counter = Arc::new(watch::Sender::new(Calls::default()));
        let calls = counter.subscribe();
        let mut drivers = JoinSet::new();
        for number in 0..number {
            let driver = Driver {
                dal: dal.clone(),
                worker: dal.worker().register("w").await.unwrap(),
                queue: format!("q{number}"),
                counter: Arc::clone(&counter),
                driven: Driven::default(),
            };
            drivers.spawn(driver.drive(Arc::clone(&goes_on)));
        }
        Self {
            drivers,
            goes_on,
            calls,
        }
    }

    /// Waits for so many answers more.
    pub(crate) async fn is_answered(&mut self, more: usize) {
        let answered = self.calls.borrow().answered;
        self.wait(|calls| calls.answered >= answered + more).await;
    }

    /// Waits for a call that fails.
    pub(crate) async fn is_in_trouble(&mut self) {
        let failed = self.calls.borrow().failed;
        self.wait(|calls| calls.failed > failed).await;
    }

    async fn wait(&mut self, until: impl Fn(&Calls) -> bool) {
        let reached = self.calls.wait_for(|calls| until(calls)).await;
        assert!(reached.is_ok(), "the drivers have failed, see above");
    }

    pub(crate) async fn stop(self) -> Vec<Driven> {
        self.goes_on.store(false, Ordering::SeqCst);
        self.drivers.join_all().await
    }
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Nothing,
    Created,
    Ready,
    Running,
    Completed,
}

/// By what was answered, and by what may have been done without an answer.
#[derive(Clone, Copy, Debug)]
struct Way {
    at_least: Step,
    at_most: Step,
}

/// The tasks of one driver.
#[derive(Default)]
pub(crate) struct Driven(BTreeMap<Uuid, Way>);

impl Driven {
    /// Each task is where its calls have brought it, and is in the ledger once if it is completed, and otherwise not.
    pub(crate) async fn is_as_it_was_answered(&self, dal: &DAL, db: &TestDatabase) {
        let ledger = db.query_text("SELECT task FROM ledger").await;
        for (&task, way) in &self.0 {
            let found = match dal.task_execution().get(task).await {
                Err(Error::NotFound { .. }) => Step::Nothing,
                found => step(found.unwrap().status),
            };
            assert!(
                (way.at_least..=way.at_most).contains(&found),
                "{task} is {found:?}, and should be {way:?}"
            );
            let row = [Some(task.to_string())];
            let entered = ledger.iter().filter(|entry| **entry == row).count();
            assert_eq!(entered, usize::from(found == Step::Completed), "{task}");
        }
    }

    fn tries(&mut self, task: Uuid, step: Step) {
        let way = self.0.entry(task).or_insert(Way {
            at_least: Step::Nothing,
            at_most: step,
        });
        way.at_most = step;
    }

    /// Also of what the driver did not know that it had: a claim whose answer was lost.
    fn has(&mut self, task: Uuid, step: Step) {
        self.0.insert(
            task,
            Way {
                at_least: step,
                at_most: step,
            },
        );
    }
}

fn step(status: TaskStatus) -> Step {
    match status {
        TaskStatus::NotStarted => Step::Created,
        TaskStatus::Ready => Step::Ready,
        TaskStatus::Running => Step::Running,
        TaskStatus::Completed => Step::Completed,
        other => panic!("nobody made it {other}"),
    }
}

/// Takes one task after the other from its creation to its end.
struct Driver {
    dal: DAL,
    worker: Worker,
    /// Nobody else takes from it.
    queue: String,
    counter: Arc<watch::Sender<Calls>>,
    driven: Driven,
}

impl Driver {
    async fn drive(mut self, goes_on: Arc<AtomicBool>) -> Driven {
        while goes_on.load(Ordering::SeqCst) {
            // What fails is left where it is, and another is begun.
            let _ = self.drive_one().await;
        }
        self.driven
    }

    async fn drive_one(&mut self) -> Option<()> {
        let task = Uuid::now_v7();
        let new = NewTaskExecution::standalone("t")
            .id(task)
            .queue(self.queue.as_str());
        self.driven.tries(task, Step::Created);
        let created = self.dal.task_execution().create(new).await;
        self.answer(created)?;
        self.driven.has(task, Step::Created);
        self.driven.tries(task, Step::Ready);
        let marked = self.dal.task_execution().mark_ready(task).await;
        self.answer(marked)?;
        self.driven.has(task, Step::Ready);
        for claim in self.claim().await? {
            self.complete(&claim).await?;
        }
        Some(())
    }

    /// Whatever is ready: also what was made so without an answer.
    async fn claim(&mut self) -> Option<Vec<Claim>> {
        let tasks = self.dal.task_execution();
        let claims = tasks.claim_from(&self.worker, &[&self.queue], 1).await;
        let Some(claims) = self.answer(claims) else {
            let ways = self.driven.0.values_mut();
            for way in ways.filter(|way| way.at_most == Step::Ready) {
                way.at_most = Step::Running;
            }
            return None;
        };
        for claim in &claims {
            self.driven.has(claim.task_execution_id(), Step::Running);
        }
        Some(claims)
    }

    /// Together with a write of the program's own.
    async fn complete(&mut self, claim: &Claim) -> Option<()> {
        let task = claim.task_execution_id();
        self.driven.tries(task, Step::Completed);
        let entry = format!("INSERT INTO ledger (task) VALUES ('{task}')");
        let completed = self
            .dal
            .transaction(async |tx| {
                own_sql::execute(tx, &entry).await?;
                tx.task_execution().complete(claim, None).await
            })
            .await;
        self.answer(completed)?;
        self.driven.has(task, Step::Completed);
        Some(())
    }

    /// Counts it. What fails does so for the outage, and says so.
    fn answer<T>(&self, answer: Result<T, Error>) -> Option<T> {
        let failed = match &answer {
            Ok(_) => None,
            Err(error) if error.is_transient() => Some(error),
            Err(error @ Error::CommitUnknown { .. }) => Some(error),
            Err(error) => panic!("{error:?} is no outage"),
        };
        self.counter.send_modify(|calls| match failed {
            None => calls.answered += 1,
            Some(_) => calls.failed += 1,
        });
        answer.ok()
    }
}
