//! The faults that are in the rules themselves.

use taskbox_models::{Change, Condition, EventType, Outcome, Rule, TaskStatus, Transition};

use crate::Mutation;

/// The rule with the fault; `None` if the fault is not in it.
pub(crate) fn mutate(mutation: Mutation, rule: &'static Rule) -> Option<Rule> {
    use Mutation as M;
    use Transition as T;
    Some(match (mutation, rule.transition) {
        (M::RuleCompletesReady, T::Complete) | (M::RuleSkipsReady, T::Skip) => {
            also_from(rule, TaskStatus::Ready)
        }
        (M::RuleReadiesRunning, T::MarkReady) => also_from(rule, TaskStatus::Running),
        (M::RuleCompletesTwice, T::Complete)
        | (M::RuleCancelsCompleted, T::Cancel)
        | (M::RuleRedrivesCompleted, T::Redrive) => also_from(rule, TaskStatus::Completed),
        (M::RuleCancelsNoRunning, T::Cancel) => Rule {
            from: leak(rule.from.iter().filter(|it| **it != TaskStatus::Running)),
            ..*rule
        },
        (M::RuleCompletesWithoutClaim, T::Complete) => Rule {
            needs_claim: false,
            ..*rule
        },
        (M::RuleClaimCountsNothing, T::Claim)
        | (M::RuleDeferKeepsAttempt, T::Defer)
        | (M::RuleReleaseKeepsAttempt, T::Release)
        | (M::RuleRedriveKeepsAttempts, T::Redrive)
        | (M::RuleRecoveryDoesNotCount, T::Recover) => each(rule, |it| it.changes = &[]),
        (M::RuleRetryGivesAttemptBack, T::ScheduleRetry) => {
            each(rule, |it| it.changes = &[Change::GiveAttemptBack])
        }
        (M::RuleFailSaysCompleted, T::Fail) => each(rule, |it| it.event = EventType::TaskCompleted),
        (M::RuleResetsToReady, T::Reset) => each(rule, |it| it.to = TaskStatus::Ready),
        (M::RuleRetriesForEver, T::ScheduleRetry) => goes_on(rule, Condition::AttemptsUsedUp),
        (M::RuleRecoversForEver, T::Recover) => goes_on(rule, Condition::RecoveriesUsedUp),
        _ => return None,
    })
}

/// It may also start from there.
fn also_from(rule: &Rule, status: TaskStatus) -> Rule {
    Rule {
        from: leak(rule.from.iter().chain([&status])),
        ..*rule
    }
}

/// Each of its outcomes is changed.
fn each(rule: &Rule, change: impl Fn(&mut Outcome)) -> Rule {
    let mut outcomes = rule.outcomes.to_vec();
    outcomes.iter_mut().for_each(change);
    Rule {
        outcomes: leak(&outcomes),
        ..*rule
    }
}

/// On this condition it goes the way that leads to Ready.
fn goes_on(rule: &Rule, condition: Condition) -> Rule {
    let to_ready = rule.outcomes.iter().find(|it| it.to == TaskStatus::Ready);
    let to_ready = to_ready.copied();
    each(rule, |it| {
        if let Some(to_ready) = to_ready.filter(|_| it.when == Some(condition)) {
            *it = Outcome {
                when: it.when,
                ..to_ready
            };
        }
    })
}

/// Rules live as long as the program.
fn leak<'a, T: Copy + 'a>(values: impl IntoIterator<Item = &'a T>) -> &'static [T] {
    Vec::leak(values.into_iter().copied().collect())
}
