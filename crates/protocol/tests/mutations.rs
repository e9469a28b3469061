//! The checker finds every fault.

use stateright::{Checker, HasDiscoveries, Model};
use taskbox_protocol::{Mutation, Protocol, Size};

taskbox_protocol::test_each_mutation!();

/// Looks in the small sizes one after the other for a property that does not hold, and prints it.
#[expect(clippy::print_stdout, reason = "`--nocapture` shows what finds what")]
fn assert_found(mutation: Mutation) {
    for size in Size::small() {
        let name = size.name;
        let checker = Protocol::mutated(size, mutation).checker();
        let checker = checker.finish_when(HasDiscoveries::AnyFailures);
        let checker = checker.spawn_bfs().join();
        let found = checker.discoveries();
        let shortest = found
            .iter()
            .min_by_key(|(_, path)| path.clone().into_actions().len());
        if let Some((property, path)) = shortest {
            let steps = path.clone().into_actions();
            println!("{mutation:?}: \"{property}\", in {name}, by {steps:?}");
            return;
        }
    }
    panic!("{mutation:?} is not found");
}
