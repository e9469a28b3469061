//! A server without TLS.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver},
    thread,
};

use taskbox_dal::DAL;
use taskbox_test_support::TestDatabase;

use super::{by_address, is_encrypted, refusal, roots};

/// The message by which a client asks for TLS.
const ASKS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Stands before a server and has no TLS.
struct Plain {
    url: String,
    /// For each connection, what the client sent on after it was told so.
    after_refusal: Receiver<Vec<u8>>,
}

impl Plain {
    fn before(db: &TestDatabase) -> Self {
        let url = by_address(db);
        let (user, rest) = url.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (told, after_refusal) = mpsc::channel();
        let server = server.to_owned();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (server, told) = (server.clone(), told.clone());
                thread::spawn(move || told.send(refuse(client, &server)));
            }
        });
        Self {
            url: format!("{user}@{address}/{database}"),
            after_refusal,
        }
    }
}

/// Answers that there is no TLS; then carries what the client sends, if it sends anything.
fn refuse(mut client: TcpStream, server: &str) -> Vec<u8> {
    let mut asks = [0; ASKS.len()];
    client.read_exact(&mut asks).unwrap();
    assert_eq!(asks, ASKS);
    client.write_all(b"N").unwrap();
    let mut start = vec![0; 4096];
    let length = client.read(&mut start).unwrap_or_default();
    start.truncate(length);
    if length > 0 {
        let mut server = TcpStream::connect(server).unwrap();
        server.write_all(&start).unwrap();
        let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
        thread::spawn(move || {
            let _ = std::io::copy(&mut client, &mut server);
            let _ = server.shutdown(Shutdown::Both);
        });
    }
    start
}

pub(crate) async fn a_server_without_tls_is_told_nothing_where_tls_was_asked_for(
    db: &TestDatabase,
) {
    let server = Plain::before(db);
    let roots = roots();
    for parameters in [
        "sslmode=require".to_owned(),
        format!("sslmode=require&{roots}"),
        format!("sslmode=verify-ca&{roots}"),
        format!("sslmode=verify-full&{roots}"),
    ] {
        let problem = refusal(&format!("{}?{parameters}", server.url)).await;
        assert!(
            problem.contains("does not support TLS"),
            "{parameters}: {problem}"
        );
        assert!(
            problem.contains("sslmode=disable"),
            "{parameters}: {problem}"
        );
        let sent = server.after_refusal.recv().unwrap();
        assert!(
            sent.is_empty(),
            "{parameters}: {}",
            String::from_utf8_lossy(&sent)
        );
    }
}

pub(crate) async fn prefer_goes_on_without_tls(db: &TestDatabase) {
    let server = Plain::before(db);
    for parameters in ["", "?sslmode=prefer"] {
        let dal = DAL::connect(format!("{}{parameters}", server.url)).await;
        assert!(!is_encrypted(&dal.unwrap()).await.unwrap());
        assert!(!server.after_refusal.recv().unwrap().is_empty());
    }
}
