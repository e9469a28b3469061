//! A database that only reads for a while: after a failover, while its disk is almost full, or as its file's permissions
//! are.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Stdio,
};

use diesel::result::{DatabaseErrorKind, Error as Diesel};
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;

use crate::{
    hold_connections, process,
    support::{orders, task},
};

taskbox_test_support::suite! {
    postgres: [
        a_database_that_only_reads_says_so_and_is_written_to_again,
        what_a_program_writes_itself_finds_a_session_that_takes_it,
    ],
    sqlite: [a_file_that_may_only_be_read_stops_those_who_open_it],
}

/// More than a call tries.
const CONNECTIONS: usize = 7;

/// Whether all that begins now may only read. Sessions that there are stay as they were when they began: so they end where
/// the database turns, as they do with the server in a failover, and nobody ends them when it turns back.
async fn turn(db: &TestDatabase, is_read_only: bool) {
    let url = db.url();
    let (address, _) = url.split_once('?').unwrap();
    let (_, name) = address.rsplit_once('/').unwrap();
    let value = if is_read_only { "on" } else { "off" };
    db.execute(&format!(
        "BEGIN READ WRITE; ALTER DATABASE {name} SET default_transaction_read_only = {value}; COMMIT"
    ))
    .await;
    if is_read_only {
        db.query_text(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    }
}

fn is_read_only<T>(answer: &Result<T>) -> bool {
    let kind = DatabaseErrorKind::ReadOnlyTransaction;
    matches!(answer, Err(Error::Database(Diesel::DatabaseError(found, _))) if *found == kind)
}

/// With as many sessions as the pool takes, all of which may only read.
async fn connect_and_turn(db: &TestDatabase) -> DAL {
    let dal = DAL::builder(db.url()).pool_size(CONNECTIONS);
    let dal = dal.connect().await.unwrap();
    hold_connections(&dal, CONNECTIONS).await;
    turn(db, true).await;
    hold_connections(&dal, CONNECTIONS).await;
    dal
}

async fn a_database_that_only_reads_says_so_and_is_written_to_again(db: &TestDatabase) {
    let own = DAL::connect(db.url()).await.unwrap();
    let task = task::create(&own).await;
    let dal = connect_and_turn(db).await;
    for _ in 0..2 {
        let answer = dal.task_execution().mark_ready(task).await;
        assert!(is_read_only(&answer), "{answer:?}");
        assert!(answer.unwrap_err().is_transient());
        let within = dal
            .transaction(async |tx| tx.task_execution().mark_ready(task).await)
            .await;
        assert!(is_read_only(&within), "{within:?}");
        assert_eq!(task::status(&dal, task).await, TaskStatus::NotStarted);
    }
    hold_connections(&dal, CONNECTIONS).await;
    turn(db, false).await;
    dal.task_execution().mark_ready(task).await.unwrap();
    hold_connections(&dal, CONNECTIONS).await;
}

async fn what_a_program_writes_itself_finds_a_session_that_takes_it(db: &TestDatabase) {
    orders::create_table(db).await;
    let dal = connect_and_turn(db).await;
    let insert = async |tx: &mut Tx<'_>| orders::insert(tx).await;
    let answer = dal.transaction(insert).await;
    assert!(is_read_only(&answer), "{answer:?}");
    hold_connections(&dal, CONNECTIONS).await;
    turn(db, false).await;
    // What it is lent was made before. With it go all others.
    let answer = dal.transaction(insert).await;
    assert!(is_read_only(&answer), "{answer:?}");
    dal.transaction(insert).await.unwrap();
    assert_eq!(orders::count(db).await, 1);
}

/// The account that owns nothing.
const NOBODY: u32 = 65534;

/// Permissions do not bind root, who runs it as somebody else.
async fn a_file_that_may_only_be_read_stops_those_who_open_it(db: &TestDatabase) {
    let mut command = process::command(db, "read_only::is_run_by_somebody_whom_permissions_bind");
    let file = db.url().trim_start_matches("sqlite://").to_owned();
    let folder = Path::new(&file).parent().unwrap();
    if chown(&file, Some(NOBODY), Some(NOBODY)).is_ok() {
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let count = "SELECT count(*) FROM task_executions";
    assert_eq!(db.query_i64(count).await, 3);
}

/// Who has the file open goes on writing, as the operating system has it.
#[test]
#[ignore = "is run by the test of this file, as a process of its own"]
fn is_run_by_somebody_whom_permissions_bind() {
    let Some(url) = process::url() else { return };
    process::block_on(async {
        let dal = DAL::builder(&url).pool_size(2).connect().await.unwrap();
        task::create(&dal).await;
        let file = url.trim_start_matches("sqlite://");
        fs::set_permissions(file, Permissions::from_mode(0o444)).unwrap();
        dal.transaction(async |tx| {
            let refused = dal.task_outbox().count_pending().await.unwrap_err();
            let Error::Connection(reason) = &refused else {
                panic!("{refused:?}");
            };
            assert!(refused.is_transient());
            assert!(
                reason.contains("let this program read and write"),
                "{reason}"
            );
            tx.task_execution()
                .create(NewTaskExecution::standalone("t"))
                .await
        })
        .await
        .unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        dal.transaction(async |tx| {
            assert_eq!(dal.task_outbox().count_pending().await?, 0);
            tx.task_execution()
                .create(NewTaskExecution::standalone("t"))
                .await
        })
        .await
        .unwrap();
    });
}
