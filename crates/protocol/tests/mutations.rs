//! The checker finds every fault.

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};
use taskbox_protocol::{Mutation, Protocol, Size};

taskbox_protocol::test_each_mutation!();

/// Looks in the small sizes one after the other for a state in which the property does not hold, and prints the way there.
#[expect(clippy::print_stdout, reason = "`--nocapture` shows what finds what")]
fn assert_found(mutation: Mutation) {
    let property = mutation.found_by();
    for size in Size::small() {
        let name = size.name;
        let checker = Protocol::mutated(size, mutation).checker();
        let checker = checker.finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property])));
        let found = checker.spawn_bfs().join().discovery(property);
        if let Some(path) = found {
            let steps = path.into_actions();
            println!("{mutation:?}: \"{property}\", in {name}, by {steps:?}");
            return;
        }
    }
    panic!("{mutation:?} is not found by \"{property}\"");
}

/// One that finds nothing could as well be left out.
#[test]
fn every_property_finds_a_fault() {
    let size = Size::small().remove(0);
    let all = Protocol::new(size).properties().into_iter();
    let all: BTreeSet<_> = all.map(|property| property.name).collect();
    let find = Mutation::ALL.iter().map(|mutation| mutation.found_by());
    assert_eq!(find.collect::<BTreeSet<_>>(), all);
}
