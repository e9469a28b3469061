//! One connection.

use std::{
    io::{self, BufReader, BufWriter, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, atomic::Ordering},
    thread,
};

use super::{Part, Sender, Since, State, mentions};

/// How the message begins by which a transaction does, behind its type and its length.
const BEGIN: &[u8] = b"BEGIN";

pub(super) struct Line {
    /// Counted from the first connection that was made.
    pub(super) number: usize,
    pub(super) client: TcpStream,
    pub(super) server: TcpStream,
    pub(super) state: Arc<State>,
}

impl Line {
    /// Until one side hangs up, or the connection is lost. Those that are closed already cannot be closed.
    pub(super) fn carry(&self) {
        self.client.set_nodelay(true).unwrap();
        self.server.set_nodelay(true).unwrap();
        self.watch(Since::Connect);
        thread::scope(|scope| {
            let answers = scope.spawn(|| self.forward_answers());
            if self.forward_requests().ok() != Some(Part::Nothing) {
                let _ = self.client.shutdown(Shutdown::Both);
            }
            // What the server has got it carries out. It would not if the other half were closed, too, as soon as it answered.
            let _ = self.server.shutdown(Shutdown::Write);
            drop(answers.join());
            let _ = self.client.shutdown(Shutdown::Both);
        });
    }

    /// Ends with how much of the last message was sent.
    fn forward_requests(&self) -> io::Result<Part> {
        let mut client = BufReader::new(&self.client);
        let mut server = &self.server;
        // The first message has no type.
        let mut message = read_message(&mut client, Vec::new())?;
        let mut is_counted = false;
        loop {
            if let Some(part) = self.count(Sender::Client, &message) {
                server.write_all(part.of(&message))?;
                return Ok(part);
            }
            server.write_all(&message)?;
            // What came together was sent without a wait between.
            is_counted &= !client.buffer().is_empty();
            message = read_typed(&mut client)?;
            self.watch(Since::Message);
            // A simple query, or the Sync at the end of the extended ones: what the client waits after.
            if self.number == 0 && matches!(message[0], b'Q' | b'S') && !is_counted {
                self.state.round_trips.fetch_add(1, Ordering::SeqCst);
                is_counted = true;
            }
            if message[0] == b'Q' && mentions(&message, BEGIN) {
                self.begin();
                if self.state.spoils_begin.swap(false, Ordering::SeqCst) {
                    let after = message.split_off(1 + 4 + BEGIN.len());
                    message.truncate(1 + 4);
                    message.extend(b"BEGAN".iter().chain(&after));
                }
            }
        }
    }

    fn begin(&self) {
        self.state.begun.fetch_add(1, Ordering::SeqCst);
        *self.state.busy.lock().unwrap() = self.client.try_clone().ok();
        self.watch(Since::Begin);
    }

    fn watch(&self, since: Since) {
        let mut watch = self.state.watch.lock().unwrap();
        watch.begin(self.number, since);
    }

    fn forward_answers(&self) {
        let mut server = BufReader::new(&self.server);
        // It fails when the server hangs up, or the client.
        let _ = self.forward_answers_of(&mut server);
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Write);
        let _ = io::copy(&mut server, &mut io::sink());
    }

    fn forward_answers_of(&self, server: &mut BufReader<&TcpStream>) -> io::Result<()> {
        let mut client = BufWriter::new(&self.client);
        loop {
            let message = read_typed(server)?;
            if let Some(part) = self.count(Sender::Server, &message) {
                client.write_all(part.of(&message))?;
                return client.flush();
            }
            client.write_all(&message)?;
            if server.buffer().is_empty() {
                client.flush()?;
            }
        }
    }

    fn count(&self, sender: Sender, message: &[u8]) -> Option<Part> {
        let mut watch = self.state.watch.lock().unwrap();
        watch.count(self.number, sender, message)
    }
}

impl Part {
    fn of(self, message: &[u8]) -> &[u8] {
        match self {
            Self::Nothing => &[],
            Self::Half => &message[..message.len() / 2],
            Self::Whole => message,
        }
    }
}

fn read_typed(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    read_message(from, kind.to_vec())
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
