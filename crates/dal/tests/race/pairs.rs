//! Every two calls on one task and its worker, in both orders: as if one had been made after the other, unless the
//! second passes over what the first holds.

use taskbox_dal::DAL;
use taskbox_models::TaskStatus;
use taskbox_test_support::{Backend, TestDatabase};

use crate::{
    serial::{Answer, ENDS, ON_DUE, ON_FAILED, ON_READY, ON_RUNNING, Op, State, prepare, said},
    support::{
        call::Call,
        meeting::{Held, Way},
        scene::{connect, status},
    },
};

taskbox_test_support::suite! {
    both: [
        whoever_meets_the_end_of_an_attempt_finds_it_ended,
        whoever_meets_a_call_on_a_running_task_finds_what_it_left,
        whoever_meets_a_call_on_a_ready_task_finds_what_it_left,
        whoever_meets_a_call_on_a_due_task_finds_what_it_left,
        whoever_meets_a_call_on_a_failed_task_finds_what_it_left,
    ],
}

async fn whoever_meets_the_end_of_an_attempt_finds_it_ended(db: &TestDatabase) {
    meet_all(db, TaskStatus::Running, &ENDS).await;
}

async fn whoever_meets_a_call_on_a_running_task_finds_what_it_left(db: &TestDatabase) {
    meet_all(db, TaskStatus::Running, &ON_RUNNING).await;
}

async fn whoever_meets_a_call_on_a_ready_task_finds_what_it_left(db: &TestDatabase) {
    meet_all(db, TaskStatus::Ready, &ON_READY).await;
}

async fn whoever_meets_a_call_on_a_due_task_finds_what_it_left(db: &TestDatabase) {
    meet_all(db, TaskStatus::Scheduled, &ON_DUE).await;
}

async fn whoever_meets_a_call_on_a_failed_task_finds_what_it_left(db: &TestDatabase) {
    meet_all(db, TaskStatus::Failed, &ON_FAILED).await;
}

async fn meet_all(db: &TestDatabase, at: TaskStatus, firsts: &[Op]) {
    let (one, other) = (connect(db).await, connect(db).await);
    for in_pipeline in [false, true] {
        for (first, second) in firsts
            .iter()
            .flat_map(|op| Op::ALL.map(|other| (*op, other)))
        {
            let pair = Pair {
                db,
                one: &one,
                other: &other,
                at,
                in_pipeline,
                first,
                second,
            };
            pair.meet().await;
        }
    }
}

#[derive(Clone, Copy)]
struct Pair<'a> {
    db: &'a TestDatabase,
    /// The pool of the first call.
    one: &'a DAL,
    /// The pool of the second.
    other: &'a DAL,
    at: TaskStatus,
    in_pipeline: bool,
    first: Op,
    second: Op,
}

impl Pair<'_> {
    async fn meet(self) {
        let (first, second) = (self.first, self.second);
        let (worker, claim) = prepare(self.one, self.at, self.in_pipeline).await;
        let task = claim.task_execution_id();
        let before = State {
            is_expired: self.expires() && !first.needs_a_lease(),
            ..State::of(self.at)
        };
        let held = self.hold(first.call(&claim, &worker)).await;
        let call = second.call(&claim, &worker);
        let _ = self.other.faults().take_reached();
        let (way, answer) = held.meet(self.db, self.other, call).await;

        let what = format!(
            "{first:?}, then {second:?}, of a task that is {}, in a pipeline: {}",
            self.at, self.in_pipeline
        );
        let waits = match self.db.backend() {
            Backend::Postgres => before.waits(first, second),
            Backend::Sqlite => true,
        };
        assert_eq!(way == Way::Waited, waits, "{what}");
        let (expected, left) = self.expected(before, waits);
        assert_eq!(said(&answer), Some(expected), "{what}: {answer:?}");
        assert_eq!(status(self.one, task).await, left, "{what}");
        // For the next pair, there is nothing to claim and nobody to sweep.
        let _ = self.one.task_execution().cancel(task).await;
        self.one.worker().deregister(worker).await.unwrap();
    }

    /// Whether the worker's lease ends, so that there is something to recover.
    fn expires(self) -> bool {
        self.first == Op::Recover || self.second == Op::Recover
    }

    /// Makes the first call, with a lease that has ended if it can, and else ends it then.
    async fn hold(self, first: Call) -> Held {
        match (self.expires(), self.first.needs_a_lease()) {
            (false, _) => Held::after(self.one, first).await,
            (true, false) => {
                Call::Expire.on(self.one).await.unwrap();
                Held::after(self.one, first).await
            }
            (true, true) if self.db.backend() == Backend::Sqlite => {
                Held::after_all(self.one, vec![first, Call::Expire]).await
            }
            (true, true) => {
                let held = Held::after(self.one, first).await;
                Call::Expire.on(self.other).await.unwrap();
                held
            }
        }
    }

    /// What the second call says, and where the task is in the end.
    fn expected(self, mut state: State, waits: bool) -> (Answer, TaskStatus) {
        assert_eq!(state.make(self.first), Answer::Done);
        state.is_expired |= self.expires() && self.first.needs_a_lease();
        let passes_over = matches!(self.second, Op::Claim | Op::Recover);
        if waits || !passes_over || !self.first.changes_the_task() {
            return (state.make(self.second), state.status);
        }
        // A worker that claims finds that its lease has ended, also before it is swept.
        match (self.first, self.second) {
            (Op::Recover, Op::Claim) => (Answer::Lost("worker"), state.status),
            _ => (Answer::Done, state.status),
        }
    }
}
