//! The lifecycle of a task as data: one rule for each transition.
//!
//! `taskbox-dal` applies these rules by one function, `docs/task-lifecycle.md` is printed from them, and
//! the lifecycle tests walk them. What a transition does to the live tables is not said here, since it
//! follows from the statuses: see [`TaskStatus::live_table`].

use crate::{EventType, TaskStatus};

/// What can happen to a task.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Transition {
    /// The task is made.
    Create,
    /// It waits for a time.
    Schedule,
    /// It waits for a worker.
    MarkReady,
    /// A worker takes it.
    Claim,
    /// Its worker is done.
    Complete,
    /// Its worker failed and may try again.
    ScheduleRetry,
    /// Its worker failed for good.
    Fail,
    /// Its worker puts it off.
    Defer,
    /// Its worker gives it back.
    Release,
    /// It is taken from a worker whose lease expired.
    Recover,
    /// It is not needed.
    Skip,
    /// It is ended by hand.
    Cancel,
    /// It is to run after all.
    Redrive,
    /// It waits again for a task that was redriven.
    Reset,
}

/// From where a [`Transition`] starts, and where it may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The transition.
    pub transition: Transition,
    /// Its name: that of the operation.
    pub name: &'static str,
    /// The statuses it starts from; empty for the one that makes the task.
    pub from: &'static [TaskStatus],
    /// Where it leads. More than one where the database decides.
    pub outcomes: &'static [Outcome],
    /// Whether only the holder of the task's current claim may do it.
    pub needs_claim: bool,
}

/// One way in which a [`Transition`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When this is the way; empty if it is the only one.
    pub when: &'static str,
    /// The task's status afterwards.
    pub to: TaskStatus,
    /// The event that is written.
    pub event: EventType,
    /// What the event says.
    pub data: &'static [Field],
    /// What else changes in the task's row.
    pub changes: &'static [Change],
}

/// A key of an event's data.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Field {
    /// `attempt`: which attempt it was, from 1.
    Attempt,
    /// `due_at`: when the task becomes ready, in RFC 3339.
    DueAt,
    /// `epoch`: the epoch of the claim.
    Epoch,
    /// `error`: the text of the failed attempt's error.
    Error,
    /// `reason`: the words of who asked for it.
    Reason,
    /// `worker`: the id of the worker.
    Worker,
}

/// A change to a task's row beside its status.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Change {
    /// `attempt` and `epoch` grow by one.
    TakeAttempt,
    /// `attempt` shrinks by one; `epoch` never does.
    GiveAttemptBack,
    /// `recoveries` grows by one.
    CountRecovery,
    /// `attempt` and `recoveries` start again at 0.
    FreshAttempts,
    /// `output` is set.
    SetOutput,
}

impl Field {
    /// The key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::DueAt => "due_at",
            Self::Epoch => "epoch",
            Self::Error => "error",
            Self::Reason => "reason",
            Self::Worker => "worker",
        }
    }
}

impl Transition {
    /// Every transition.
    pub const ALL: &'static [Self] = &[
        Self::Create,
        Self::Schedule,
        Self::MarkReady,
        Self::Claim,
        Self::Complete,
        Self::ScheduleRetry,
        Self::Fail,
        Self::Defer,
        Self::Release,
        Self::Recover,
        Self::Skip,
        Self::Cancel,
        Self::Redrive,
        Self::Reset,
    ];

    /// Its rule.
    #[must_use]
    pub const fn rule(self) -> &'static Rule {
        match self {
            Self::Create => &CREATE,
            Self::Schedule => &SCHEDULE,
            Self::MarkReady => &MARK_READY,
            Self::Claim => &CLAIM,
            Self::Complete => &COMPLETE,
            Self::ScheduleRetry => &SCHEDULE_RETRY,
            Self::Fail => &FAIL,
            Self::Defer => &DEFER,
            Self::Release => &RELEASE,
            Self::Recover => &RECOVER,
            Self::Skip => &SKIP,
            Self::Cancel => &CANCEL,
            Self::Redrive => &REDRIVE,
            Self::Reset => &RESET,
        }
    }
}

impl Rule {
    /// Whether it makes the task leave `NotStarted`, which starts its pipeline.
    #[must_use]
    pub fn leaves_not_started(&self) -> bool {
        self.from.contains(&TaskStatus::NotStarted)
    }

    /// Whether it may end the task, which counts in its pipeline.
    #[must_use]
    pub fn may_end(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.to.is_terminal())
    }
}

const fn rule(
    transition: Transition,
    name: &'static str,
    from: &'static [TaskStatus],
    outcomes: &'static [Outcome],
) -> Rule {
    Rule {
        transition,
        name,
        from,
        outcomes,
        needs_claim: false,
    }
}

/// A rule of the worker that holds the claim.
const fn of_holder(
    transition: Transition,
    name: &'static str,
    outcomes: &'static [Outcome],
) -> Rule {
    Rule {
        transition,
        name,
        from: &[TaskStatus::Running],
        outcomes,
        needs_claim: true,
    }
}

const fn to(to: TaskStatus, event: EventType) -> Outcome {
    Outcome {
        when: "",
        to,
        event,
        data: &[],
        changes: &[],
    }
}

static CREATE: Rule = rule(
    Transition::Create,
    "create",
    &[],
    &[to(TaskStatus::NotStarted, EventType::TaskCreated)],
);

static SCHEDULE: Rule = rule(
    Transition::Schedule,
    "schedule",
    &[TaskStatus::NotStarted],
    &[Outcome {
        data: &[Field::DueAt],
        ..to(TaskStatus::Scheduled, EventType::TaskScheduled)
    }],
);

static MARK_READY: Rule = rule(
    Transition::MarkReady,
    "mark_ready",
    &[TaskStatus::NotStarted, TaskStatus::Scheduled],
    &[to(TaskStatus::Ready, EventType::TaskMarkedReady)],
);

static CLAIM: Rule = rule(
    Transition::Claim,
    "claim",
    &[TaskStatus::Ready],
    &[Outcome {
        data: &[Field::Worker, Field::Attempt, Field::Epoch],
        changes: &[Change::TakeAttempt],
        ..to(TaskStatus::Running, EventType::TaskClaimed)
    }],
);

static COMPLETE: Rule = of_holder(
    Transition::Complete,
    "complete",
    &[Outcome {
        changes: &[Change::SetOutput],
        ..to(TaskStatus::Completed, EventType::TaskCompleted)
    }],
);

static SCHEDULE_RETRY: Rule = of_holder(
    Transition::ScheduleRetry,
    "schedule_retry",
    &[
        Outcome {
            when: "attempts are left, and there is a delay",
            data: &[Field::Error, Field::Attempt, Field::DueAt],
            ..to(TaskStatus::Scheduled, EventType::TaskRetryScheduled)
        },
        Outcome {
            when: "attempts are left, and there is no delay",
            data: &[Field::Error, Field::Attempt, Field::DueAt],
            ..to(TaskStatus::Ready, EventType::TaskRetryScheduled)
        },
        Outcome {
            when: "attempts are used up",
            data: &[Field::Error, Field::Attempt],
            ..to(TaskStatus::Failed, EventType::TaskFailed)
        },
    ],
);

static FAIL: Rule = of_holder(
    Transition::Fail,
    "fail",
    &[Outcome {
        data: &[Field::Error, Field::Attempt],
        ..to(TaskStatus::Failed, EventType::TaskFailed)
    }],
);

static DEFER: Rule = of_holder(
    Transition::Defer,
    "defer",
    &[Outcome {
        data: &[Field::DueAt],
        changes: &[Change::GiveAttemptBack],
        ..to(TaskStatus::Scheduled, EventType::TaskDeferred)
    }],
);

static RELEASE: Rule = of_holder(
    Transition::Release,
    "release",
    &[Outcome {
        changes: &[Change::GiveAttemptBack],
        ..to(TaskStatus::Ready, EventType::TaskReleased)
    }],
);

static RECOVER: Rule = rule(
    Transition::Recover,
    "recover",
    &[TaskStatus::Running],
    &[
        Outcome {
            when: "recoveries are below the cap",
            data: &[Field::Worker, Field::Epoch],
            changes: &[Change::CountRecovery],
            ..to(TaskStatus::Ready, EventType::TaskRecovered)
        },
        Outcome {
            when: "recoveries are at the cap",
            data: &[Field::Worker, Field::Epoch],
            ..to(TaskStatus::Failed, EventType::TaskAbandoned)
        },
    ],
);

static SKIP: Rule = rule(
    Transition::Skip,
    "skip",
    &[TaskStatus::NotStarted],
    &[Outcome {
        data: &[Field::Reason],
        ..to(TaskStatus::Skipped, EventType::TaskSkipped)
    }],
);

static CANCEL: Rule = rule(
    Transition::Cancel,
    "cancel",
    TaskStatus::LIVE,
    &[to(TaskStatus::Cancelled, EventType::TaskCancelled)],
);

static REDRIVE: Rule = rule(
    Transition::Redrive,
    "redrive",
    &[TaskStatus::Failed, TaskStatus::Cancelled],
    &[Outcome {
        changes: &[Change::FreshAttempts],
        ..to(TaskStatus::Ready, EventType::TaskRedriven)
    }],
);

static RESET: Rule = rule(
    Transition::Reset,
    "reset",
    &[TaskStatus::Skipped],
    &[to(TaskStatus::NotStarted, EventType::TaskReset)],
);
