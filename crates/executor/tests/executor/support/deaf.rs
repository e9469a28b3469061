//! A proxy before Postgres that can lose every notification.

use std::{
    io::{self, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// Listens until the process ends.
pub(crate) struct Proxy {
    url: String,
    line: Arc<Line>,
}

#[derive(Default)]
struct Line {
    is_deaf: AtomicBool,
    passed: AtomicUsize,
    lost: AtomicUsize,
}

impl Proxy {
    /// A proxy before the server of this URL, `postgres://user@host:port/database`.
    pub(crate) fn before(url: &str) -> Self {
        let (user, rest) = url.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{user}@{}/{database}", listener.local_addr().unwrap());
        let line = Arc::new(Line::default());
        let (server, shared) = (server.to_owned(), Arc::clone(&line));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (server, line) = (TcpStream::connect(&server).unwrap(), Arc::clone(&shared));
                thread::spawn(move || carry(&client, &server, &line));
            }
        });
        Self { url, line }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on.
    pub(crate) fn loses_notifications(&self) {
        self.line.is_deaf.store(true, Ordering::SeqCst);
    }

    /// How many notifications came through.
    pub(crate) fn passed(&self) -> usize {
        self.line.passed.load(Ordering::SeqCst)
    }

    /// How many were lost.
    pub(crate) fn lost(&self) -> usize {
        self.line.lost.load(Ordering::SeqCst)
    }
}

fn carry(mut client: &TcpStream, mut server: &TcpStream, line: &Line) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            // It ends with the server's side, or that with it.
            let _ = pass_answers(server, client, line);
            let _ = client.shutdown(Shutdown::Both);
        });
        let _ = io::copy(&mut client, &mut server);
        let _ = server.shutdown(Shutdown::Both);
    });
}

/// Each answer has a type, and a length that counts itself.
fn pass_answers(server: &TcpStream, mut client: &TcpStream, line: &Line) -> io::Result<()> {
    let mut server = BufReader::new(server);
    loop {
        let mut message = vec![0; 5];
        server.read_exact(&mut message)?;
        let length = u32::from_be_bytes([message[1], message[2], message[3], message[4]]);
        let mut rest = (&mut server).take(u64::from(length) - 4);
        rest.read_to_end(&mut message)?;
        if message[0] == b'A' {
            if line.is_deaf.load(Ordering::SeqCst) {
                line.lost.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            line.passed.fetch_add(1, Ordering::SeqCst);
        }
        client.write_all(&message)?;
    }
}
