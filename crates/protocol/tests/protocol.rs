//! The protocol as it is.

use std::collections::HashSet;

use stateright::{Checker, Model};
use taskbox_models::{EventType, TaskStatus, Transition};
use taskbox_protocol::{Protocol, Size};

#[test]
#[expect(
    clippy::print_stdout,
    reason = "`--nocapture` shows how much was looked at"
)]
fn every_property_holds_in_every_state() {
    for size in Size::small() {
        let name = size.name;
        let checker = Protocol::new(size).checker().threads(2);
        let checker = checker.spawn_bfs().join();
        println!("{} states of {name}", checker.unique_state_count());
        checker.assert_properties();
    }
}

/// A model that never does a thing holds whatever is promised of it.
#[test]
fn every_outcome_of_every_rule_happens() {
    let mut missing: Vec<_> = Transition::ALL
        .iter()
        .flat_map(|transition| transition.rule().outcomes)
        .map(|outcome| (outcome.event, Some(outcome.to)))
        .collect();
    let of_pipelines = EventType::ALL.iter().filter(|event| {
        event.as_str().starts_with("pipeline_") && **event != EventType::PipelineCreated
    });
    missing.extend(of_pipelines.map(|event| (*event, None)));
    for size in Size::small().into_iter().take(2) {
        each_step(&Protocol::new(size), |happens| {
            missing.retain(|wanted| !happens.contains(wanted));
        });
    }
    assert_eq!(missing, []);
}

/// Hands out what each step of the model writes into the history.
fn each_step(protocol: &Protocol, mut look: impl FnMut(&[(EventType, Option<TaskStatus>)])) {
    let mut open = protocol.init_states();
    let mut seen: HashSet<_> = open.iter().copied().collect();
    let mut actions = Vec::new();
    while let Some(world) = open.pop() {
        protocol.actions(&world, &mut actions);
        for action in actions.drain(..) {
            look(&protocol.history(&world, action));
            let next = protocol.next_state(&world, action);
            open.extend(next.filter(|next| seen.insert(*next)));
        }
    }
}
