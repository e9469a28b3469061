//! What calls do to one task and one worker, one after the other; and which of them wait for which.

use std::time::Duration;

use taskbox_dal::{DAL, Error, Result};
use taskbox_models::{Claim, TaskStatus, Worker};

use crate::support::{
    call::Call,
    scene::{pipeline, working},
};

/// A call of the worker that has, or had, a claim of the task; or of anyone on that task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Cancel,
    Claim,
    Complete,
    CreateRow,
    Defer,
    DeleteRow,
    Deregister,
    Fail,
    Heartbeat,
    MarkReady,
    Recover,
    Redrive,
    Release,
    Retry,
}

use Op::{
    Cancel, Complete, CreateRow, Defer, DeleteRow, Deregister, Fail, Heartbeat, MarkReady, Recover,
    Redrive, Release, Retry,
};

/// The calls that end an attempt.
pub(crate) const ENDS: [Op; 5] = [Complete, Fail, Retry, Defer, Release];
/// The other calls that do something to a running task, or to its worker.
pub(crate) const ON_RUNNING: [Op; 4] = [Cancel, Deregister, Heartbeat, Recover];
/// The calls that do something to a ready task, or to the worker that will claim it.
pub(crate) const ON_READY: [Op; 4] = [Cancel, Op::Claim, Deregister, Heartbeat];
/// The calls that do something to a task whose time has come.
pub(crate) const ON_DUE: [Op; 3] = [Cancel, Op::Claim, MarkReady];
/// The call that does something to a failed task.
pub(crate) const ON_FAILED: [Op; 1] = [Redrive];

impl Op {
    pub(crate) const ALL: [Self; 14] = [
        Cancel,
        Self::Claim,
        Complete,
        CreateRow,
        Defer,
        DeleteRow,
        Deregister,
        Fail,
        Heartbeat,
        MarkReady,
        Recover,
        Redrive,
        Release,
        Retry,
    ];

    pub(crate) fn call(self, claim: &Claim, worker: &Worker) -> Call {
        let task = claim.task_execution_id();
        match self {
            Cancel => Call::Cancel(task),
            Self::Claim => Call::Claim(worker.clone()),
            Complete => Call::Complete(claim.clone()),
            CreateRow => Call::CreateRow(task),
            Defer => Call::Defer(claim.clone()),
            DeleteRow => Call::DeleteRow(task),
            Deregister => Call::Deregister(worker.clone()),
            Fail => Call::Fail(claim.clone()),
            Heartbeat => Call::Heartbeat(worker.clone()),
            MarkReady => Call::MarkReady(task),
            Recover => Call::Recover,
            Redrive => Call::Redrive(task),
            Release => Call::Release(claim.clone()),
            Retry => Call::Retry(claim.clone()),
        }
    }

    /// Whether only a worker whose lease lasts may do it.
    pub(crate) fn needs_a_lease(self) -> bool {
        self.ends_an_attempt() || self == Self::Claim
    }

    fn ends_an_attempt(self) -> bool {
        ENDS.contains(&self)
    }

    /// Whether it changes the task's row.
    pub(crate) fn changes_the_task(self) -> bool {
        !matches!(self, CreateRow | DeleteRow | Heartbeat)
    }
}

/// Which claim of the task its worker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    Nothing,
    /// That of the calls.
    Known,
    /// A later one.
    Later,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) status: TaskStatus,
    /// Whether it is Scheduled for a time that has come.
    pub(crate) is_due: bool,
    pub(crate) hold: Hold,
    pub(crate) is_expired: bool,
    pub(crate) is_gone: bool,
}

/// What a call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Conflict(TaskStatus),
    Lost(&'static str),
}

impl State {
    pub(crate) fn of(status: TaskStatus) -> Self {
        Self {
            status,
            is_due: status == TaskStatus::Scheduled,
            hold: match status {
                TaskStatus::Running => Hold::Known,
                _ => Hold::Nothing,
            },
            is_expired: false,
            is_gone: false,
        }
    }

    /// Makes the call, with nobody beside it.
    pub(crate) fn make(&mut self, op: Op) -> Answer {
        let found = self.status;
        match op {
            Op::Claim | Heartbeat if self.is_gone => return Answer::Lost("worker"),
            _ if op.ends_an_attempt() && self.hold != Hold::Known => return Answer::Lost("task"),
            Op::Claim => self.claim(),
            Heartbeat => self.is_expired = false,
            Recover if !self.is_expired => {}
            Recover | Deregister => self.give_back(),
            DeleteRow => {}
            Complete => self.go(TaskStatus::Completed),
            Fail => self.go(TaskStatus::Failed),
            Release => self.go(TaskStatus::Ready),
            Defer | Retry => self.go(TaskStatus::Scheduled),
            Cancel if !found.is_terminal() => self.go(TaskStatus::Cancelled),
            MarkReady if found == TaskStatus::Scheduled => self.go(TaskStatus::Ready),
            Redrive if matches!(found, TaskStatus::Failed | TaskStatus::Cancelled) => {
                self.go(TaskStatus::Ready);
            }
            Cancel | CreateRow | MarkReady | Redrive => return Answer::Conflict(found),
        }
        Answer::Done
    }

    fn go(&mut self, status: TaskStatus) {
        self.status = status;
        self.hold = Hold::Nothing;
        self.is_due = false;
    }

    fn claim(&mut self) {
        if self.status == TaskStatus::Ready || self.is_due {
            self.go(TaskStatus::Running);
            self.hold = Hold::Later;
        }
    }

    fn give_back(&mut self) {
        if self.hold != Hold::Nothing {
            self.go(TaskStatus::Ready);
        }
        self.is_gone = true;
    }

    /// Whether the second call waits for the first, which was made in this state. On Postgres, where they wait for rows.
    pub(crate) fn waits(self, first: Op, second: Op) -> bool {
        let holds = self.hold != Hold::Nothing;
        let locks_the_worker = match first {
            Deregister | Heartbeat => true,
            // The worker is told.
            Cancel | Recover => holds,
            _ => false,
        };
        let locks_the_task = first.changes_the_task() && (holds || first != Deregister);
        match second {
            // A recovery passes over the task, the worker and the pipeline.
            DeleteRow | Recover => false,
            // It passes over the task, but needs the worker.
            Op::Claim => first == Deregister && self.status == TaskStatus::Ready,
            Heartbeat => locks_the_worker,
            Deregister => locks_the_worker || (holds && locks_the_task) || first == Op::Claim,
            Cancel => locks_the_task || (holds && locks_the_worker),
            _ => locks_the_task,
        }
    }
}

/// A task in this status, of a pipeline or not, with the first claim of it and the worker that made it.
///
/// It is Scheduled for a time that has come.
pub(crate) async fn prepare(dal: &DAL, at: TaskStatus, in_pipeline: bool) -> (Worker, Claim) {
    let pipeline = if in_pipeline {
        Some(pipeline(dal).await)
    } else {
        None
    };
    let (worker, mut claims) = working(dal, pipeline, 1).await;
    let claim = claims.remove(0);
    let tasks = dal.task_execution();
    match at {
        TaskStatus::Ready => tasks.release(&claim).await.unwrap(),
        TaskStatus::Scheduled => tasks.defer(&claim, Duration::ZERO).await.unwrap(),
        TaskStatus::Failed => tasks.fail(&claim, "broken").await.unwrap(),
        _ => {}
    }
    (worker, claim)
}

/// What was answered; `None` if the database failed it.
pub(crate) fn said(result: &Result<()>) -> Option<Answer> {
    match result {
        Ok(()) => Some(Answer::Done),
        Err(Error::LeaseLost { what, .. }) => Some(Answer::Lost(what)),
        Err(Error::Conflict(conflict)) => conflict.found.map(Answer::Conflict),
        Err(_) => None,
    }
}
