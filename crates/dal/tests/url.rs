//! What a URL can be, what is said of one that cannot, and that a password is never repeated.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env,
    fmt::Debug,
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use taskbox_dal::{DAL, DALBuilder, Error};
use taskbox_test_support::TestDatabase;

/// The password, which must show nowhere.
const PASSWORD: &str = "s3cr3t";

taskbox_test_support::suite! {
    postgres: [
        a_database_that_is_not_there_is_named,
        a_handle_does_not_show_its_password,
    ],
}

async fn refusal(builder: DALBuilder) -> Error {
    let begun = Instant::now();
    let error = builder.connect().await.unwrap_err();
    let taken = begun.elapsed();
    assert!(taken < Duration::from_secs(20), "{error} took {taken:?}");
    assert_keeps_the_secret(&error);
    error
}

fn assert_keeps_the_secret(error: &Error) {
    let mut causes: Vec<String> = vec![error.to_string(), format!("{error:?}")];
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        causes.push(next.to_string());
        cause = next;
    }
    for text in causes {
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_url_is_refused_and_says_why() {
    for (url, why) in [
        ("", "must begin with"),
        ("tasks.db", "must begin with"),
        ("mysql://root:s3cr3t@localhost/tasks", "must begin with"),
        ("POSTGRES://u:s3cr3t@localhost/tasks", "must begin with"),
        ("postgres://u:s3cr3t@localhost:port/tasks", "is malformed"),
        ("postgres://u:s3cr3t@localhost:99999/tasks", "is malformed"),
        (
            "postgres://u:s3cr3t@localhost/tasks?colour=red",
            "unknown option `colour`",
        ),
        (
            "postgres://u@localhost/tasks?password=s3cr3t&port=x",
            "is malformed",
        ),
        ("sqlite://", "names no file"),
        ("sqlite:", "names no file"),
        ("sqlite://:memory:", "in memory"),
        ("sqlite::memory:", "in memory"),
        ("sqlite://file::memory:", "in memory"),
        ("sqlite://tasks.db?mode=rwc", "has parameters"),
        ("sqlite://tasks\0.db", "NUL"),
    ] {
        let error = refusal(DAL::builder(url)).await;
        assert!(
            matches!(error, Error::InvalidInput { .. }),
            "{url:?}: {error:?}"
        );
        assert!(error.to_string().contains(why), "{url:?}: {error}");
    }
}

#[tokio::test]
async fn a_pool_without_connections_is_refused() {
    let error = refusal(DAL::builder("sqlite://tasks.db").pool_size(0)).await;
    assert!(error.to_string().contains("pool_size"), "{error}");
}

#[tokio::test]
async fn a_file_that_cannot_be_made_is_a_connection_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/tasks.db");
    for path in [missing.as_path(), folder.path()] {
        let error = refusal(DAL::builder(format!("sqlite://{}", path.display()))).await;
        assert!(matches!(error, Error::Connection(_)), "{error:?}");
        assert!(error.to_string().contains("open"), "{error}");
    }
    fs::write(
        folder.path().join("notes.txt"),
        "not a database ".repeat(100),
    )
    .unwrap();
    let notes = format!("sqlite://{}/notes.txt", folder.path().display());
    let error = refusal(DAL::builder(notes)).await;
    assert!(error.to_string().contains("not a database"), "{error}");
}

#[tokio::test]
async fn a_file_is_made_by_an_absolute_and_by_a_relative_path() {
    let folder = tempfile::tempdir().unwrap();
    let absolute = folder.path().join("absolute.db");
    DAL::connect(format!("sqlite://{}", absolute.display()))
        .await
        .unwrap();
    assert!(absolute.is_file());

    let relative = relative(&folder.path().join("relative.db"));
    assert!(!relative.starts_with('/'));
    DAL::connect(format!("sqlite://{relative}")).await.unwrap();
    assert!(folder.path().join("relative.db").is_file());
}

/// The way from the current folder, through the root.
fn relative(path: &Path) -> String {
    let up = env::current_dir().unwrap().components().count() - 1;
    let down = path.strip_prefix("/").unwrap();
    format!("{}{}", "../".repeat(up), down.display())
}

fn builder(listener: &TcpListener) -> DALBuilder {
    let address = listener.local_addr().unwrap();
    DAL::builder(format!("postgres://u:{PASSWORD}@{address}/tasks?sslmode=disable"))
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_a_connection_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let builder = builder(&listener);
    drop(listener);
    let error = refusal(builder).await;
    assert!(matches!(error, Error::Connection(_)), "{error:?}");
    assert!(error.is_transient());
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

async fn a_database_that_is_not_there_is_named(db: &TestDatabase) {
    let error = refusal(DAL::builder(db.url().replace('?', "_missing?"))).await;
    assert!(matches!(error, Error::Connection(_)), "{error:?}");
    assert!(error.to_string().contains("_missing"), "{error}");
}

/// The server trusts the tests and does not ask for it.
async fn a_handle_does_not_show_its_password(db: &TestDatabase) {
    fn shown(value: &impl Debug) -> bool {
        format!("{value:?}{value:#?}").contains(PASSWORD)
    }
    let url = db.url().replacen('@', &format!(":{PASSWORD}@"), 1);
    let builder = DAL::builder(url);
    assert!(!shown(&builder));
    let dal = builder.connect().await.unwrap();
    assert!(!shown(&dal));
    assert!(!shown(&dal.task_outbox()));
    dal.transaction(async |tx| {
        assert!(!shown(tx));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}
