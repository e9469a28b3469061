//! A disk without room.

use std::process::Stdio;

use serde_json::json;
use taskbox_dal::{DAL, Error, Result};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::{Disk, TestDatabase};
use uuid::Uuid;

use crate::{
    process,
    support::{own_sql, task},
};

taskbox_test_support::suite! {
    cramped: [
        a_full_disk_of_the_server_is_said_and_is_over_when_there_is_room,
        a_server_without_room_for_its_log_ends_and_keeps_what_was_committed,
    ],
    sqlite: [
        a_full_disk_is_said_and_is_over_when_there_is_room,
        a_file_that_cannot_grow_keeps_what_was_committed,
    ],
}

/// Says of what failed that it is the disk, that it may pass, and nothing else.
fn is_full(error: &Error, words: &str) {
    assert!(error.is_transient(), "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
}

/// Makes tasks until one is refused: those that it made, and how it was.
async fn make_until_refused(dal: &DAL) -> (Vec<Uuid>, Error) {
    let mut made = Vec::new();
    loop {
        match make(dal).await {
            Ok(task) => made.push(task),
            Err(error) => return (made, error),
        }
    }
}

/// Of the disk with the tables, while there is room for the log: the server goes on.
async fn a_full_disk_of_the_server_is_said_and_is_over_when_there_is_room(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let first = make(&dal).await.unwrap();
    db.own_server().fill(Disk::Tables).await;
    let (mut made, refused) = make_until_refused(&dal).await;
    is_full(&refused, "No space left on device");
    made.push(first);
    let before = db.dump().await;
    // What a few rows took that were rolled back there is room for, but not for these.
    let many = vec![NewTaskExecution::standalone("t"); 500];
    for _ in 0..2 {
        let refused = dal.task_execution().create_many(many.clone()).await;
        is_full(&refused.unwrap_err(), "No space left on device");
        let refused = dal.task_execution().mark_ready_many(&made).await;
        is_full(&refused.unwrap_err(), "No space left on device");
    }
    assert_eq!(db.dump().await, before);
    assert_eq!(count(db).await, made.len());
    db.own_server().free().await;
    made.push(make(&dal).await.unwrap());
    let moved = dal.task_execution().mark_ready_many(&made).await.unwrap();
    assert_eq!(moved.moved, made);
}

/// Postgres goes down with all its connections then, in the middle of a commit.
async fn a_server_without_room_for_its_log_ends_and_keeps_what_was_committed(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let server = db.own_server();
    server.fill(Disk::Log).await;
    let (mut made, lost) = make_until_refused(&dal).await;
    let is_unknown = matches!(lost, Error::CommitUnknown { .. });
    assert!(is_unknown || lost.is_transient(), "{lost:?}");
    server.has_ended().await;
    let away = make(&dal).await.unwrap_err();
    assert!(matches!(away, Error::Connection(_)), "{away:?}");
    server.free().await;
    server.start_again().await;
    let unknown = count(db).await - made.len();
    assert!(
        unknown <= usize::from(is_unknown),
        "{lost:?}, and {unknown} more"
    );
    made.push(make(&dal).await.unwrap());
    let moved = dal.task_execution().mark_ready_many(&made).await.unwrap();
    assert_eq!(moved.moved, made);
}

async fn count(db: &TestDatabase) -> usize {
    let count = db.query_i64("SELECT count(*) FROM task_executions").await;
    usize::try_from(count).unwrap()
}

/// Gives the file room for so many pages: as many as it has, if that is more.
async fn room(dal: &DAL, pages: u32) {
    dal.transaction(async |tx| {
        own_sql::execute(tx, &format!("PRAGMA max_page_count = {pages}")).await
    })
    .await
    .unwrap();
}

async fn make(dal: &DAL) -> Result<Uuid> {
    let new = NewTaskExecution::standalone("t").input(json!("x".repeat(5_000)));
    Ok(dal.task_execution().create(new).await?.id)
}

/// By one connection, since that limit is not of the file.
async fn a_full_disk_is_said_and_is_over_when_there_is_room(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).pool_size(1);
    let dal = dal.connect().await.unwrap();
    let first = make(&dal).await.unwrap();
    room(&dal, 1).await;
    let (mut made, refused) = make_until_refused(&dal).await;
    is_full(&refused, "database or disk is full");
    let before = db.dump().await;
    assert!(make(&dal).await.is_err());
    assert_eq!(db.dump().await, before);
    room(&dal, 1_000_000).await;
    made.extend([first, make(&dal).await.unwrap()]);
    let moved = dal.task_execution().mark_ready_many(&made).await.unwrap();
    assert_eq!(moved.moved, made);
}

/// By a limit of the operating system, under which the write itself fails, in the middle of a COMMIT. A process cannot
/// shed it.
async fn a_file_that_cannot_grow_keeps_what_was_committed(db: &TestDatabase) {
    let mut command = process::command_without_room(db, "full_disk::is_run_without_room");
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let mut made: Vec<Uuid> = said
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    assert!(made.len() > 2, "{said}");
    let dal = DAL::connect(db.url()).await.unwrap();
    made.push(make(&dal).await.unwrap());
    let moved = dal.task_execution().mark_ready_many(&made).await.unwrap();
    assert_eq!(moved.moved, made);
    assert_eq!(count(db).await, made.len());
}

/// Prints the tasks that it made: until the write-ahead log cannot grow, which a reader keeps from being used anew; and
/// once that one has gone, by the same `DAL`.
#[test]
#[ignore = "is run by the test of this file, as a process of its own"]
#[expect(clippy::print_stdout, reason = "is how the process says what it did")]
fn is_run_without_room() {
    let Some(url) = process::url() else { return };
    let reader = rusqlite::Connection::open(url.trim_start_matches("sqlite://")).unwrap();
    process::block_on(async {
        let dal = DAL::connect(url).await.unwrap();
        println!(" {} ", task::create(&dal).await);
        reader
            .execute_batch("BEGIN; SELECT id FROM task_executions")
            .unwrap();
        let refused = loop {
            let new = NewTaskExecution::standalone("t");
            match dal.task_execution().create(new).await {
                Ok(task) => println!(" {} ", task.id),
                Err(error) => break error,
            }
        };
        is_full(&refused, "disk I/O error");
        reader
            .execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        println!(" {} ", task::create(&dal).await);
    });
}
