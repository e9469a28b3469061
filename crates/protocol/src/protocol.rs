//! The model, as the checker takes it.

use stateright::{Model, Property};
use taskbox_models::{EventType, Rule, TaskStatus, Transition};

use crate::{
    Action, Mutation, Size, World, action, audit, mutation_rules, properties,
    transaction::Transaction,
};

/// The protocol, of some size, and maybe with a fault in it.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// How much of the world is looked at.
    pub size: Size,
    /// The fault.
    pub mutation: Option<Mutation>,
    /// The rules of `taskbox-models`, in which the fault may be.
    rules: Vec<&'static Rule>,
}

impl Protocol {
    /// The protocol as it is.
    #[must_use]
    pub fn new(size: Size) -> Self {
        let rules = Transition::ALL.iter().map(|transition| transition.rule());
        Self {
            size,
            mutation: None,
            rules: rules.collect(),
        }
    }

    /// The protocol with a fault.
    #[must_use]
    pub fn mutated(size: Size, mutation: Mutation) -> Self {
        let mut protocol = Self::new(size);
        protocol.mutation = Some(mutation);
        for rule in &mut protocol.rules {
            if let Some(mutated) = mutation_rules::mutate(mutation, rule) {
                *rule = Box::leak(Box::new(mutated));
            }
        }
        protocol
    }

    /// What the step writes into the history, and where each task stands after it.
    #[must_use]
    pub fn history(&self, world: &World, action: Action) -> Vec<(EventType, Option<TaskStatus>)> {
        let mut tx = Transaction::begin(self, world.database);
        action.take(&mut tx, &mut world.processes.clone());
        let events = tx.events.iter();
        events
            .map(|event| {
                let status = event.task.and_then(|task| tx.database.status(task));
                (event.event_type, status)
            })
            .collect()
    }

    /// The rule of a transition: that of `taskbox-models`, unless the fault is in it.
    pub(crate) fn rule(&self, transition: Transition) -> &'static Rule {
        let mut rules = self.rules.iter();
        let found = rules.find(|rule| rule.transition == transition);
        found.copied().unwrap_or_else(|| transition.rule())
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.size)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        action::possible(&self.size, world, actions);
    }

    /// `None` where the step does nothing.
    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = *world;
        let mut tx = Transaction::begin(self, world.database);
        action.take(&mut tx, &mut next.processes);
        (next.breaches, next.recorded) = audit::audit(world, action, &tx);
        next.database = tx.database;
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
