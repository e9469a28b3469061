//! A proxy before Postgres that knows where messages end: it counts them, and loses a connection at any of them.

mod line;

use std::{
    collections::VecDeque,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use self::line::Line;

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Client,
    Server,
}

/// How much of a message gets to the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Nothing, but what the server says to the messages before gets to the client.
    Nothing,
    /// Half of its bytes, and the client is told nothing more.
    Half,
    /// The whole of it, and the client is told nothing more.
    Whole,
}

/// A message of one connection, from when on they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The one of this number, of those of its sender; the first is 0.
    Number(usize),
    /// The first one in which there is this text.
    With(&'static str),
}

/// Where a connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) sender: Sender,
    pub(crate) message: Message,
    pub(crate) part: Part,
}

impl Cut {
    /// The server never gets the COMMIT.
    pub(crate) const BEFORE_THE_SERVER: Self = Self::before(Sender::Client, "COMMIT");
    /// The server carries it out, and the client never gets the answer.
    pub(crate) const BEFORE_THE_ANSWER: Self = Self::before(Sender::Server, "COMMIT");
    /// The COMMIT is answered, and the server never gets what puts the session back.
    pub(crate) const BEHIND_THE_COMMIT: Self = Self::before(Sender::Client, "RESET ALL");
    /// It never comes to this.
    pub(crate) const NOWHERE: Self = Self {
        sender: Sender::Client,
        message: Message::Number(usize::MAX),
        part: Part::Nothing,
    };

    const fn before(sender: Sender, text: &'static str) -> Self {
        Self {
            sender,
            message: Message::With(text),
            part: Part::Nothing,
        }
    }
}

/// Listens until the process ends.
pub(crate) struct Proxy {
    url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    round_trips: AtomicUsize,
    begun: AtomicUsize,
    watch: Mutex<Watch>,
    spoils_begin: AtomicBool,
    is_down: AtomicBool,
    /// The client of the last connection on which a transaction began.
    busy: Mutex<Option<TcpStream>>,
}

/// From when on the messages of a connection count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// Since a transaction began on it, whose BEGIN is the client's first.
    Begin,
    /// Since it was made, when the client's first message asks for it.
    Connect,
    /// Since the client's next message, which is its first.
    Message,
}

/// What is to happen to connections, and what went over the last of them.
#[derive(Default)]
struct Watch {
    next: VecDeque<(Since, Cut)>,
    /// Where the connection of this number is lost.
    now: Option<(usize, Cut)>,
    seen: Seen,
    is_cut: bool,
}

/// The types of the messages that went over a connection that was watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) of_client: Vec<u8>,
    pub(crate) of_server: Vec<u8>,
}

impl Proxy {
    /// A proxy before the server of this URL, `postgres://user@host:port/database`.
    pub(crate) fn before(url: &str) -> Self {
        let (user, rest) = url.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        thread::spawn({
            let (server, state) = (server.to_owned(), Arc::clone(&state));
            move || accept(&listener, &server, &state)
        });
        Self {
            url: format!("{user}@{address}/{database}"),
            state,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Loses the connection on which the next transaction begins.
    pub(crate) fn cut(&self, cut: Cut) {
        self.cut_each([(Since::Begin, cut)]);
    }

    /// Loses one connection after the other: that on which the next transaction begins, or that is made next.
    pub(crate) fn cut_each(&self, cuts: impl Into<VecDeque<(Since, Cut)>>) {
        *self.state.watch.lock().unwrap() = Watch {
            next: cuts.into(),
            ..Watch::default()
        };
        self.state.begun.store(0, Ordering::SeqCst);
    }

    /// Makes the next BEGIN one that the server does not understand, and nothing of what comes with it.
    pub(crate) fn spoil_begin(&self) {
        self.cut_each([]);
        self.state.spoils_begin.store(true, Ordering::SeqCst);
    }

    /// Whether every connection was lost that was to be, and what went over the last one until then.
    pub(crate) fn seen(&self) -> (bool, Seen) {
        let watch = self.state.watch.lock().unwrap();
        (watch.is_cut && watch.next.is_empty(), watch.seen.clone())
    }

    /// How many transactions have begun since a cut was last asked for.
    pub(crate) fn begun(&self) -> usize {
        self.state.begun.load(Ordering::SeqCst)
    }

    /// Loses the connection on which a transaction last began.
    pub(crate) fn hang_up(&self) {
        if let Some(client) = self.state.busy.lock().unwrap().take() {
            // It may be closed already.
            let _ = client.shutdown(Shutdown::Both);
        }
    }

    /// Takes no new connections from now on.
    pub(crate) fn go_down(&self) {
        self.state.is_down.store(true, Ordering::SeqCst);
    }

    /// How often the client waited for the server since the last call, on the first connection that it made: a later one
    /// says what became ready, for which nobody waits.
    pub(crate) fn take_round_trips(&self) -> usize {
        self.state.round_trips.swap(0, Ordering::SeqCst)
    }
}

fn accept(listener: &TcpListener, server: &str, state: &Arc<State>) {
    for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
        if !state.is_down.load(Ordering::SeqCst) {
            let line = Line {
                number,
                client,
                server: TcpStream::connect(server).unwrap(),
                state: Arc::clone(state),
            };
            thread::spawn(move || line.carry());
        }
    }
}

impl Watch {
    /// A transaction begins on this connection, or it is made, or a message goes over it.
    fn begin(&mut self, line: usize, since: Since) {
        let is_busy = self.now.is_some() && !self.is_cut;
        let is_meant = |next: &(Since, Cut)| next.0 == since;
        if !is_busy && self.next.front().is_some_and(is_meant) {
            self.now = self.next.pop_front().map(|(_, cut)| (line, cut));
            self.seen = Seen::default();
            self.is_cut = false;
        }
    }

    /// Counts a message of this connection, and answers how much of it is let through before the connection is lost; `None`
    /// if it is not.
    fn count(&mut self, line: usize, sender: Sender, message: &[u8]) -> Option<Part> {
        let (_, cut) = self.now.filter(|now| now.0 == line && !self.is_cut)?;
        let seen = match sender {
            Sender::Client => &mut self.seen.of_client,
            Sender::Server => &mut self.seen.of_server,
        };
        let is_it = match cut.message {
            Message::Number(number) => seen.len() == number,
            Message::With(text) => mentions(message, text.as_bytes()),
        };
        seen.push(message[0]);
        self.is_cut = is_it && cut.sender == sender;
        self.is_cut.then_some(cut.part)
    }
}

/// Whether a text is in it, such as COMMIT, which is also the server's word that there was one.
fn mentions(message: &[u8], text: &[u8]) -> bool {
    message.windows(text.len()).any(|part| part == text)
}
