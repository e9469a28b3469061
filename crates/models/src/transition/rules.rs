//! The table: what each transition does.

use super::{Change, Condition, Field, Outcome, Rule, Transition};
use crate::{EventType, TaskStatus};

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
        when: None,
        to,
        event,
        data: &[],
        changes: &[],
    }
}

pub(super) static CREATE: Rule = rule(
    Transition::Create,
    "create",
    &[],
    &[to(TaskStatus::NotStarted, EventType::TaskCreated)],
);

pub(super) static SCHEDULE: Rule = rule(
    Transition::Schedule,
    "schedule",
    &[TaskStatus::NotStarted],
    &[Outcome {
        data: &[Field::DueAt],
        ..to(TaskStatus::Scheduled, EventType::TaskScheduled)
    }],
);

pub(super) static MARK_READY: Rule = rule(
    Transition::MarkReady,
    "mark_ready",
    &[TaskStatus::NotStarted, TaskStatus::Scheduled],
    &[to(TaskStatus::Ready, EventType::TaskMarkedReady)],
);

pub(super) static CLAIM: Rule = rule(
    Transition::Claim,
    "claim",
    &[TaskStatus::Ready],
    &[Outcome {
        data: &[Field::Worker, Field::Attempt, Field::Epoch],
        changes: &[Change::TakeAttempt],
        ..to(TaskStatus::Running, EventType::TaskClaimed)
    }],
);

pub(super) static COMPLETE: Rule = of_holder(
    Transition::Complete,
    "complete",
    &[Outcome {
        changes: &[Change::SetOutput],
        ..to(TaskStatus::Completed, EventType::TaskCompleted)
    }],
);

pub(super) static SCHEDULE_RETRY: Rule = of_holder(
    Transition::ScheduleRetry,
    "schedule_retry",
    &[
        Outcome {
            when: Some(Condition::AttemptsLeftAndDelay),
            data: &[Field::Error, Field::Attempt, Field::DueAt],
            ..to(TaskStatus::Scheduled, EventType::TaskRetryScheduled)
        },
        Outcome {
            when: Some(Condition::AttemptsLeftAndNoDelay),
            data: &[Field::Error, Field::Attempt, Field::DueAt],
            ..to(TaskStatus::Ready, EventType::TaskRetryScheduled)
        },
        Outcome {
            when: Some(Condition::AttemptsUsedUp),
            data: &[Field::Error, Field::Attempt],
            ..to(TaskStatus::Failed, EventType::TaskFailed)
        },
    ],
);

pub(super) static FAIL: Rule = of_holder(
    Transition::Fail,
    "fail",
    &[Outcome {
        data: &[Field::Error, Field::Attempt],
        ..to(TaskStatus::Failed, EventType::TaskFailed)
    }],
);

pub(super) static DEFER: Rule = of_holder(
    Transition::Defer,
    "defer",
    &[Outcome {
        data: &[Field::DueAt],
        changes: &[Change::GiveAttemptBack],
        ..to(TaskStatus::Scheduled, EventType::TaskDeferred)
    }],
);

pub(super) static RELEASE: Rule = of_holder(
    Transition::Release,
    "release",
    &[Outcome {
        changes: &[Change::GiveAttemptBack],
        ..to(TaskStatus::Ready, EventType::TaskReleased)
    }],
);

pub(super) static RECOVER: Rule = rule(
    Transition::Recover,
    "recover",
    &[TaskStatus::Running],
    &[
        Outcome {
            when: Some(Condition::RecoveriesLeft),
            data: &[Field::Worker, Field::Epoch],
            changes: &[Change::CountRecovery],
            ..to(TaskStatus::Ready, EventType::TaskRecovered)
        },
        Outcome {
            when: Some(Condition::RecoveriesUsedUp),
            data: &[Field::Worker, Field::Epoch],
            ..to(TaskStatus::Failed, EventType::TaskAbandoned)
        },
    ],
);

pub(super) static SKIP: Rule = rule(
    Transition::Skip,
    "skip",
    &[TaskStatus::NotStarted],
    &[Outcome {
        data: &[Field::Reason],
        ..to(TaskStatus::Skipped, EventType::TaskSkipped)
    }],
);

pub(super) static CANCEL: Rule = rule(
    Transition::Cancel,
    "cancel",
    TaskStatus::LIVE,
    &[to(TaskStatus::Cancelled, EventType::TaskCancelled)],
);

pub(super) static REDRIVE: Rule = rule(
    Transition::Redrive,
    "redrive",
    &[TaskStatus::Failed, TaskStatus::Cancelled],
    &[Outcome {
        changes: &[Change::FreshAttempts],
        ..to(TaskStatus::Ready, EventType::TaskRedriven)
    }],
);

pub(super) static RESET: Rule = rule(
    Transition::Reset,
    "reset",
    &[TaskStatus::Skipped],
    &[to(TaskStatus::NotStarted, EventType::TaskReset)],
);
