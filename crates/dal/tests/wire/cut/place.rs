//! Where a connection can be lost.

use crate::support::proxy::{Cut, Message, Part, Seen, Sender};

/// One message, or what is before or after it.
pub(super) struct Place {
    pub(super) cut: Cut,
    /// The type of the message.
    kind: u8,
}

impl Place {
    pub(super) fn is_half(&self) -> bool {
        self.cut.part == Part::Half
    }

    /// Whether it is a simple query, or prepares a statement; or says that this is done, or any statement.
    pub(super) fn is_of_a_query(&self) -> bool {
        match self.cut.sender {
            Sender::Client => matches!(self.kind, b'Q' | b'P' | b'D'),
            Sender::Server => matches!(self.kind, b'1' | b't' | b'C'),
        }
    }
}

/// All places at which a connection can be lost over which these messages go.
///
/// What is behind a message is before the next one of its sender, unless the other acts in between.
pub(super) fn places(seen: Seen) -> impl Iterator<Item = Place> {
    let last = seen.of_server.len() - 1;
    let client = seen.of_client.into_iter().enumerate();
    let server = seen.of_server.into_iter().enumerate();
    // A simple query, or the Sync at the end of the extended ones.
    let client = client
        .map(|(number, kind)| places_at(Sender::Client, number, kind, matches!(kind, b'Q' | b'S')));
    let server =
        server.map(move |(number, kind)| places_at(Sender::Server, number, kind, number == last));
    client.chain(server).flatten()
}

fn places_at(
    sender: Sender,
    number: usize,
    kind: u8,
    is_acted_on: bool,
) -> impl Iterator<Item = Place> {
    let parts = if is_acted_on { 3 } else { 2 };
    let parts = [Part::Nothing, Part::Half, Part::Whole]
        .into_iter()
        .take(parts);
    parts.map(move |part| {
        let message = Message::Number(number);
        let cut = Cut {
            sender,
            message,
            part,
        };
        Place { cut, kind }
    })
}
