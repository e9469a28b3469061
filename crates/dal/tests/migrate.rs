//! `DAL::migrate`: each migration once, whoever else starts at the same time.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    process::{Child, Command, Stdio},
    thread,
};

use taskbox_dal::{DAL, Error};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::{Backend, TestDatabase};
use tokio::{runtime, task::JoinSet};

mod support {
    pub(crate) mod poll;
    pub(crate) mod versions;
}

use support::{
    poll::{Moment, poll_times},
    versions::versions,
};

taskbox_test_support::suite! {
    both: [what_was_migrated_before_is_left_alone],
    empty: [
        an_empty_database_gets_every_migration_once,
        what_is_pending_is_told_and_left_so,
        of_many_at_once_one_migrates_and_none_fails,
        of_many_processes_at_once_one_migrates_and_none_fails,
        one_thread_is_enough,
        a_migration_dropped_at_any_poll_can_be_repeated,
        a_migration_that_fails_leaves_nothing_and_is_named,
    ],
}

/// How many migrate at once.
const MANY: usize = 32;

async fn connect(db: &TestDatabase) -> DAL {
    DAL::builder(db.url()).pool_size(1).connect().await.unwrap()
}

async fn assert_works(dal: &DAL) {
    let task = NewTaskExecution::standalone("ship");
    let task = dal.task_execution().create(task).await.unwrap();
    dal.task_execution().mark_ready(task.id).await.unwrap();
}

async fn an_empty_database_gets_every_migration_once(db: &TestDatabase) {
    let dal = connect(db).await;
    assert_eq!(dal.migrate().await.unwrap(), versions());
    assert!(dal.migrate().await.unwrap().is_empty());
    assert_works(&dal).await;
}

async fn what_is_pending_is_told_and_left_so(db: &TestDatabase) {
    let dal = connect(db).await;
    assert_eq!(dal.pending_migrations().await.unwrap(), versions());
    let tables = match db.backend() {
        Backend::Postgres => "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
        Backend::Sqlite => "SELECT count(*) FROM sqlite_schema",
    };
    assert_eq!(db.query_i64(tables).await, 0, "asking made a table");
    dal.migrate().await.unwrap();
    assert!(dal.pending_migrations().await.unwrap().is_empty());
    let last = versions().pop().unwrap();
    db.execute(&format!(
        "DELETE FROM __diesel_schema_migrations WHERE version = '{last}'"
    ))
    .await;
    assert_eq!(dal.pending_migrations().await.unwrap(), [last]);
}

/// The database was made from the same files by other means, and carries Diesel's record of them.
async fn what_was_migrated_before_is_left_alone(db: &TestDatabase) {
    let dal = connect(db).await;
    assert!(dal.migrate().await.unwrap().is_empty());
    assert_works(&dal).await;
}

async fn of_many_at_once_one_migrates_and_none_fails(db: &TestDatabase) {
    let mut programs = JoinSet::new();
    for _ in 0..MANY {
        let url = db.url();
        programs.spawn(async move {
            let dal = DAL::builder(url).pool_size(1).connect().await?;
            dal.migrate().await
        });
    }
    let answers = programs.join_all().await;
    let applied: Vec<Vec<String>> = answers.into_iter().map(Result::unwrap).collect();
    assert_one_migrated(&applied);
}

fn assert_one_migrated(applied: &[Vec<String>]) {
    assert_eq!(applied.len(), MANY);
    let by: Vec<_> = applied
        .iter()
        .filter(|versions| !versions.is_empty())
        .collect();
    assert_eq!(by, [&versions()]);
}

/// Where a process of [`as_one_of_many_processes`] connects to, and where it writes its answer.
const URL: &str = "TASKBOX_TEST_MIGRATE_URL";
const ANSWER: &str = "TASKBOX_TEST_MIGRATE_ANSWER";

async fn of_many_processes_at_once_one_migrates_and_none_fails(db: &TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let answer = |n: usize| folder.path().join(n.to_string());
    let start = |n| {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "as_one_of_many_processes"])
            .env(URL, db.url())
            .env(ANSWER, answer(n))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let processes: Vec<Child> = (0..MANY).map(start).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let read = |n| fs::read_to_string(answer(n)).unwrap();
    let applied: Vec<Vec<String>> = (0..MANY)
        .map(|n| read(n).split_whitespace().map(str::to_owned).collect())
        .collect();
    assert_one_migrated(&applied);
}

/// Does nothing unless started by [`of_many_processes_at_once_one_migrates_and_none_fails`].
#[tokio::test]
async fn as_one_of_many_processes() {
    let (Ok(url), Ok(answer)) = (env::var(URL), env::var(ANSWER)) else {
        return;
    };
    let dal = DAL::builder(url).pool_size(1).connect().await.unwrap();
    let applied = dal.migrate().await.unwrap();
    fs::write(answer, applied.join("\n")).unwrap();
}

async fn one_thread_is_enough(db: &TestDatabase) {
    let migrate = async {
        let dal = connect(db).await;
        assert_eq!(dal.migrate().await.unwrap(), versions());
        assert_works(&dal).await;
    };
    let block_on = || {
        let mut runtime = runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(migrate);
    };
    thread::scope(|scope| scope.spawn(block_on).join()).unwrap();
}

/// Whoever drops it does not stop it, and the next one waits for it.
async fn a_migration_dropped_at_any_poll_can_be_repeated(db: &TestDatabase) {
    for moment in Moment::BOTH {
        let mut polls = 0;
        loop {
            polls += 1;
            let fresh = TestDatabase::create_empty(db.backend()).await;
            let dal = connect(&fresh).await;
            let done = poll_times(polls, moment, dal.migrate()).await;
            if let Some(answer) = done {
                assert_eq!(answer.unwrap(), versions());
                break;
            }
            let applied = dal.migrate().await.unwrap();
            assert!(applied.is_empty() || applied == versions(), "{applied:?}");
            assert_works(&dal).await;
        }
        assert!(polls > 1, "it was dropped at least once");
    }
}

async fn a_migration_that_fails_leaves_nothing_and_is_named(db: &TestDatabase) {
    db.execute("CREATE TABLE task_outbox (id INTEGER)").await;
    let dal = connect(db).await;
    for _ in 0..2 {
        let Err(Error::Migration(reason)) = dal.migrate().await else {
            panic!("there is a table in the way");
        };
        assert!(reason.contains("000004_task_outbox"), "{reason}");
        let tables = match db.backend() {
            Backend::Postgres => {
                "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
            }
            Backend::Sqlite => "SELECT count(*) FROM sqlite_schema WHERE type = 'table'",
        };
        assert_eq!(db.query_i64(tables).await, 1);
    }
    db.execute("DROP TABLE task_outbox").await;
    assert_eq!(dal.migrate().await.unwrap(), versions());
}
