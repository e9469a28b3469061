//! The rules of the transitions, held against the same table written out a second time by hand.

use std::collections::BTreeSet;

use taskbox_models::{Change, EventType, LiveTable, PipelineStatus, Rule, TaskStatus, Transition};

/// One way of a transition: its name, from where, to where, the event, the keys of its data, and whether
/// it is the claim's holder who does it.
type Way = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    bool,
);

const LIVE: &str = "NotStarted Scheduled Ready Running";

#[rustfmt::skip]
const WAYS: [Way; 17] = [
    ("create", "", "NotStarted", "task_created", "", false),
    ("schedule", "NotStarted", "Scheduled", "task_scheduled", "due_at", false),
    ("mark_ready", "NotStarted Scheduled", "Ready", "task_marked_ready", "", false),
    ("claim", "Ready", "Running", "task_claimed", "worker attempt epoch", false),
    ("complete", "Running", "Completed", "task_completed", "", true),
    ("schedule_retry", "Running", "Scheduled", "task_retry_scheduled", "error attempt due_at", true),
    ("schedule_retry", "Running", "Ready", "task_retry_scheduled", "error attempt due_at", true),
    ("schedule_retry", "Running", "Failed", "task_failed", "error attempt", true),
    ("fail", "Running", "Failed", "task_failed", "error attempt", true),
    ("defer", "Running", "Scheduled", "task_deferred", "due_at", true),
    ("release", "Running", "Ready", "task_released", "", true),
    ("recover", "Running", "Ready", "task_recovered", "worker epoch", false),
    ("recover", "Running", "Failed", "task_abandoned", "worker epoch", false),
    ("skip", "NotStarted", "Skipped", "task_skipped", "reason", false),
    ("cancel", LIVE, "Cancelled", "task_cancelled", "", false),
    ("redrive", "Failed Cancelled", "Ready", "task_redriven", "", false),
    ("reset", "Skipped", "NotStarted", "task_reset", "", false),
];

/// What else changes in the task's row; of the ways that are not here, nothing.
const CHANGES: [(&str, &str, &[Change]); 6] = [
    ("claim", "Running", &[Change::TakeAttempt]),
    ("complete", "Completed", &[Change::SetOutput]),
    ("defer", "Scheduled", &[Change::GiveAttemptBack]),
    ("release", "Ready", &[Change::GiveAttemptBack]),
    ("recover", "Ready", &[Change::CountRecovery]),
    ("redrive", "Ready", &[Change::FreshAttempts]),
];

fn rules() -> impl Iterator<Item = &'static Rule> {
    Transition::ALL.iter().map(|transition| transition.rule())
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_rules_are_those_of_the_table() {
    let mut ways = WAYS.iter();
    for rule in rules() {
        let from = joined(rule.from.iter().map(|status| status.as_str()));
        for outcome in rule.outcomes {
            let data = joined(outcome.data.iter().map(|field| field.as_str()));
            let way = (
                rule.name,
                from.as_str(),
                outcome.to.as_str(),
                outcome.event.as_str(),
                data.as_str(),
                rule.needs_claim,
            );
            assert_eq!(Some(&way), ways.next());
        }
    }
    assert_eq!(ways.next(), None, "a way that no rule has");
}

#[test]
fn the_changes_are_those_of_the_table() {
    for rule in rules() {
        for outcome in rule.outcomes {
            let to = outcome.to.as_str();
            let change = CHANGES.iter().find(|way| (way.0, way.1) == (rule.name, to));
            let expected = change.map_or(&[][..], |way| way.2);
            assert_eq!(outcome.changes, expected, "{} to {to}", rule.name);
        }
    }
}

#[test]
fn each_transition_finds_its_own_rule() {
    let mut names = BTreeSet::new();
    for transition in Transition::ALL {
        let rule = transition.rule();
        assert_eq!(rule.transition, *transition);
        assert!(!rule.outcomes.is_empty(), "{} leads nowhere", rule.name);
        assert!(names.insert(rule.name), "two rules are named {}", rule.name);
    }
}

#[test]
fn where_a_rule_has_several_ways_each_says_when() {
    for rule in rules() {
        for outcome in rule.outcomes {
            let needed = rule.outcomes.len() > 1;
            assert_eq!(outcome.when.is_some(), needed, "{}", rule.name);
        }
    }
}

#[test]
fn each_status_can_be_reached() {
    let mut reached: Vec<TaskStatus> = Vec::new();
    loop {
        let next = rules()
            .filter(|rule| {
                rule.from.is_empty() || rule.from.iter().any(|status| reached.contains(status))
            })
            .flat_map(|rule| rule.outcomes)
            .find(|outcome| !reached.contains(&outcome.to));
        match next {
            Some(outcome) => reached.push(outcome.to),
            None => break,
        }
    }
    for status in TaskStatus::ALL {
        assert!(reached.contains(status), "nothing leads to {status}");
    }
}

#[test]
fn only_a_redrive_or_a_reset_leaves_a_terminal_status() {
    for rule in rules() {
        let leaves_end = rule.from.iter().any(|status| status.is_terminal());
        let expected = matches!(rule.transition, Transition::Redrive | Transition::Reset);
        assert_eq!(leaves_end, expected, "{}", rule.name);
    }
}

#[test]
fn every_live_status_can_be_left_and_completed_never() {
    for status in TaskStatus::ALL {
        let left = rules().any(|rule| rule.from.contains(status));
        assert_eq!(left, *status != TaskStatus::Completed, "{status}");
    }
}

#[test]
fn every_event_of_a_task_is_written_by_some_rule_and_none_of_a_pipeline() {
    let written: Vec<EventType> = rules()
        .flat_map(|rule| rule.outcomes)
        .map(|outcome| outcome.event)
        .collect();
    for event in EventType::ALL {
        let of_task = event.as_str().starts_with("task_");
        assert_eq!(written.contains(event), of_task, "{event}");
    }
}

#[test]
fn a_status_is_live_or_terminal() {
    let live = joined(TaskStatus::LIVE.iter().map(|status| status.as_str()));
    assert_eq!(live, LIVE);
    for status in TaskStatus::ALL {
        assert_ne!(
            status.is_terminal(),
            TaskStatus::LIVE.contains(status),
            "{status}"
        );
    }
}

#[test]
fn each_live_table_is_that_of_one_status() {
    let placed: Vec<_> = TaskStatus::ALL
        .iter()
        .filter_map(|status| Some((*status, status.live_table()?.as_str())))
        .collect();
    assert_eq!(
        placed,
        [
            (TaskStatus::Scheduled, "task_schedule"),
            (TaskStatus::Ready, "task_outbox"),
            (TaskStatus::Running, "task_claims"),
        ]
    );
    assert_eq!(TaskStatus::Running.live_table(), Some(LiveTable::Claims));
}

#[test]
fn only_these_rules_start_a_pipeline_or_may_end_it() {
    let starting = joined(
        rules()
            .filter(|rule| rule.leaves_not_started())
            .map(|rule| rule.name),
    );
    assert_eq!(starting, "schedule mark_ready skip cancel");
    let ending = joined(rules().filter(|rule| rule.may_end()).map(|rule| rule.name));
    assert_eq!(ending, "complete schedule_retry fail recover skip cancel");
}

#[test]
fn a_pipeline_ends_in_three_statuses() {
    let ends: Vec<_> = PipelineStatus::ALL
        .iter()
        .filter(|status| status.is_terminal())
        .map(|status| status.as_str())
        .collect();
    assert_eq!(ends, ["Completed", "Failed", "Cancelled"]);
}
