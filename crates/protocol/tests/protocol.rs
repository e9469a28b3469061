//! The protocol as it is.

use stateright::{Checker, Model};
use taskbox_protocol::{Protocol, Size};

#[test]
#[expect(
    clippy::print_stdout,
    reason = "`--nocapture` shows how much was looked at"
)]
fn every_property_holds_in_every_state() {
    for size in Size::small() {
        let name = size.name;
        let checker = Protocol::new(size).checker().threads(2).spawn_bfs().join();
        println!("{} states of {name}", checker.unique_state_count());
        checker.assert_properties();
    }
}
