//! Servers that do not let us in, or are not there.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::Duration,
};

use taskbox_dal::{DAL, DALBuilder, Error};

use super::{PASSWORD, refusal};

fn builder(listener: &TcpListener) -> DALBuilder {
    let address = listener.local_addr().unwrap();
    DAL::builder(format!(
        "postgres://u:{PASSWORD}@{address}/tasks?sslmode=disable"
    ))
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_a_connection_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let builder = builder(&listener);
    drop(listener);
    let error = refusal(builder).await;
    assert!(matches!(error, Error::Connection(_)), "{error:?}");
    assert!(error.is_transient());
    assert!(
        error.to_string().contains("is the server running"),
        "{error}"
    );
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_a_connection_error() {
    let url = format!("postgres://u:{PASSWORD}@nowhere.invalid/tasks");
    let error = refusal(DAL::builder(url)).await;
    let typed = matches!(error, Error::Connection(_) | Error::PoolTimeout { .. });
    assert!(typed, "{error:?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_a_pool_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let timeout = Duration::from_millis(200);
    let error = refusal(builder(&silent).acquire_timeout(timeout)).await;
    let Error::PoolTimeout { waited } = error else {
        panic!("{error:?}");
    };
    assert_eq!(waited, timeout);
}

/// A server that asks for the password and refuses it, in Postgres' words.
fn refuse_the_password(listener: &TcpListener) {
    let (mut client, _) = listener.accept().unwrap();
    let mut request = [0; 1024];
    let _startup = client.read(&mut request).unwrap();
    client.write_all(b"R\0\0\0\x08\0\0\0\x03").unwrap();
    let length = client.read(&mut request).unwrap();
    let password = String::from_utf8_lossy(&request[..length]).into_owned();
    assert!(password.contains(PASSWORD), "{password}");
    let reason = b"SFATAL\0C28P01\0Mpassword authentication failed for user \"u\"\0\0";
    let length = u32::try_from(reason.len() + 4).unwrap();
    client.write_all(b"E").unwrap();
    client.write_all(&length.to_be_bytes()).unwrap();
    client.write_all(reason).unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_a_connection_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let builder = builder(&listener);
    let server = thread::spawn(move || refuse_the_password(&listener));
    let error = refusal(builder).await;
    server.join().unwrap();
    assert!(matches!(error, Error::Connection(_)), "{error:?}");
    let reason = "password authentication failed for user";
    assert!(error.to_string().contains(reason), "{error}");
}
