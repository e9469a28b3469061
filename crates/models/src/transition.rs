//! The lifecycle of a task as data: one rule for each transition.
//!
//! `taskbox-dal` applies these rules by one function, `docs/task-lifecycle.md` is printed from them, and
//! the lifecycle tests walk them. What a transition does to the live tables is not said here, since it
//! follows from the statuses: see [`TaskStatus::live_table`].

mod rules;

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
    /// When this is the way; `None` if it is the only one.
    pub when: Option<Condition>,
    /// The task's status afterwards.
    pub to: TaskStatus,
    /// The event that is written.
    pub event: EventType,
    /// What the event says.
    pub data: &'static [Field],
    /// What else changes in the task's row.
    pub changes: &'static [Change],
}

/// What the database decides by which way a [`Transition`] ends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Condition {
    /// The task may be tried again, after a delay.
    AttemptsLeftAndDelay,
    /// The task may be tried again, at once.
    AttemptsLeftAndNoDelay,
    /// `attempt` has reached `max_attempts`.
    AttemptsUsedUp,
    /// `recoveries` is below the cap of who recovers.
    RecoveriesLeft,
    /// `recoveries` has reached the cap.
    RecoveriesUsedUp,
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

impl Condition {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AttemptsLeftAndDelay => "attempts are left, and there is a delay",
            Self::AttemptsLeftAndNoDelay => "attempts are left, and there is no delay",
            Self::AttemptsUsedUp => "attempts are used up",
            Self::RecoveriesLeft => "recoveries are below the cap",
            Self::RecoveriesUsedUp => "recoveries are at the cap",
        }
    }
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
            Self::Create => &rules::CREATE,
            Self::Schedule => &rules::SCHEDULE,
            Self::MarkReady => &rules::MARK_READY,
            Self::Claim => &rules::CLAIM,
            Self::Complete => &rules::COMPLETE,
            Self::ScheduleRetry => &rules::SCHEDULE_RETRY,
            Self::Fail => &rules::FAIL,
            Self::Defer => &rules::DEFER,
            Self::Release => &rules::RELEASE,
            Self::Recover => &rules::RECOVER,
            Self::Skip => &rules::SKIP,
            Self::Cancel => &rules::CANCEL,
            Self::Redrive => &rules::REDRIVE,
            Self::Reset => &rules::RESET,
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

    /// Whether it brings back a task that had ended, which counts likewise.
    #[must_use]
    pub fn brings_back(&self) -> bool {
        self.from.iter().any(|status| status.is_terminal())
    }

    /// Whether an outcome's event says this.
    #[must_use]
    pub fn says(&self, field: Field) -> bool {
        self.outcomes
            .iter()
            .any(|outcome| outcome.data.contains(&field))
    }
}
