//! A proxy before Postgres that counts round trips, and cuts a connection at its COMMIT or after.

use std::{
    io::{self, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// Where a connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The server never gets the COMMIT.
    BeforeTheServer,
    /// The server carries it out, and the client never gets the answer.
    BeforeTheAnswer,
    /// The COMMIT is answered, and the server never gets what puts the session back.
    BehindTheCommit,
}

impl Cut {
    /// The message at which it happens has this.
    fn at(self) -> &'static [u8] {
        match self {
            Self::BeforeTheServer | Self::BeforeTheAnswer => b"COMMIT",
            Self::BehindTheCommit => b"RESET ALL",
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
    cut: Mutex<Option<Cut>>,
    is_down: AtomicBool,
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
            move || {
                for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
                    if !state.is_down.load(Ordering::SeqCst) {
                        let (server, state) = (server.clone(), Arc::clone(&state));
                        let line = Line {
                            client,
                            is_first: number == 0,
                        };
                        thread::spawn(move || carry(&line, &server, &state));
                    }
                }
            }
        });
        Self {
            url: format!("{user}@{address}/{database}"),
            state,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Loses the connection at the next COMMIT, or after it.
    pub(crate) fn cut(&self, cut: Cut) {
        *self.state.cut.lock().unwrap() = Some(cut);
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

/// A connection of the client.
struct Line {
    client: TcpStream,
    is_first: bool,
}

fn carry(line: &Line, server: &str, state: &State) {
    let client = &line.client;
    let server = TcpStream::connect(server).unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let is_cut = AtomicBool::new(false);
    thread::scope(|scope| {
        let answers = scope.spawn(|| forward_answers(&server, client, &is_cut));
        match forward_requests(line, &server, state, &is_cut) {
            // It ends with the answer that it does not forward.
            Ok(Some(Cut::BeforeTheAnswer)) => drop(answers.join()),
            Ok(Some(Cut::BehindTheCommit)) => {
                let _ = server.shutdown(Shutdown::Write);
                drop(answers.join());
            }
            _ => {}
        }
        // Those that are closed already cannot be closed.
        let _ = server.shutdown(Shutdown::Both);
        let _ = client.shutdown(Shutdown::Both);
    });
}

fn forward_requests(
    line: &Line,
    mut server: &TcpStream,
    state: &State,
    is_cut: &AtomicBool,
) -> io::Result<Option<Cut>> {
    let mut client = BufReader::new(&line.client);
    // The first message has no type.
    server.write_all(&read_message(&mut client, Vec::new())?)?;
    let mut is_counted = false;
    loop {
        // What came together was sent without a wait between.
        is_counted &= !client.buffer().is_empty();
        let mut kind = [0];
        client.read_exact(&mut kind)?;
        let message = read_message(&mut client, kind.to_vec())?;
        // A simple query, or the Sync at the end of the extended ones: what the client waits after.
        if line.is_first && matches!(kind, [b'Q' | b'S']) && !is_counted {
            state.round_trips.fetch_add(1, Ordering::SeqCst);
            is_counted = true;
        }
        let is_there = |cut: &mut Cut| kind == *b"Q" && mentions(&message, cut.at());
        let cut = state.cut.lock().unwrap().take_if(is_there);
        is_cut.store(cut == Some(Cut::BeforeTheAnswer), Ordering::SeqCst);
        if matches!(cut, None | Some(Cut::BeforeTheAnswer)) {
            server.write_all(&message)?;
        }
        if cut.is_some() {
            return Ok(cut);
        }
    }
}

/// Reads the rest of a message: its length, which counts itself, and its body.
fn read_message(from: &mut impl Read, mut message: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    message.extend(length);
    let rest = u64::from(u32::from_be_bytes(length)) - 4;
    from.take(rest).read_to_end(&mut message)?;
    Ok(message)
}

fn forward_answers(
    mut server: &TcpStream,
    mut client: &TcpStream,
    is_cut: &AtomicBool,
) -> io::Result<()> {
    let mut answer = [0; 16384];
    loop {
        let length = server.read(&mut answer)?;
        let answer = &answer[..length];
        // The client does not wait for the answer to everything: a statement that it forgot may be answered only now.
        let is_lost = is_cut.load(Ordering::SeqCst) && mentions(answer, b"COMMIT");
        if answer.is_empty() || is_lost {
            return client.shutdown(Shutdown::Both);
        }
        client.write_all(answer)?;
    }
}

/// Whether a text is in it, such as COMMIT, which is also the server's word that there was one.
fn mentions(message: &[u8], text: &[u8]) -> bool {
    message.windows(text.len()).any(|part| part == text)
}
