//! A transaction that the program began itself can be joined, and stays the program's to end.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel_async::{
    AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager,
};
use taskbox_dal::{AsyncSqliteConnection, DAL, Error, Joinable, Tx};
use taskbox_models::TaskStatus;
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

mod support {
    pub(crate) mod task;
}

use support::task;

taskbox_test_support::suite! {
    a_connection_in_no_transaction_is_refused,
    what_was_joined_commits_with_its_owner,
    what_was_joined_rolls_back_with_its_owner,
}

async fn postgres(db: &TestDatabase) -> AsyncPgConnection {
    AsyncPgConnection::establish(&db.url()).await.unwrap()
}

async fn sqlite(db: &TestDatabase) -> AsyncSqliteConnection {
    let file = db.url().trim_start_matches("sqlite://").to_owned();
    let mut connection = AsyncSqliteConnection::establish(&file).await.unwrap();
    let settings = "PRAGMA busy_timeout = 20000; PRAGMA foreign_keys = ON";
    connection.batch_execute(settings).await.unwrap();
    connection
}

/// What the owner of the transaction does at its end.
#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    RollBack,
}

async fn mark_ready_within<C>(connection: &mut C, task: Uuid, end: End)
where
    C: AsyncConnection,
    for<'c> &'c mut C: Joinable<'c>,
{
    C::TransactionManager::begin_transaction(connection)
        .await
        .unwrap();
    connection
        .batch_execute("CREATE TABLE orders (id INTEGER)")
        .await
        .unwrap();
    let mut tx = Tx::join(&mut *connection).unwrap();
    tx.task_execution().mark_ready(task).await.unwrap();
    let again = tx.task_execution().mark_ready(task).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    let pending = tx.task_outbox().count_pending().await.unwrap();
    assert_eq!(pending, 1);
    let ended = match end {
        End::Commit => C::TransactionManager::commit_transaction(connection).await,
        End::RollBack => C::TransactionManager::rollback_transaction(connection).await,
    };
    ended.unwrap();
}

async fn mark_ready(db: &TestDatabase, task: Uuid, end: End) {
    match db.backend() {
        Backend::Postgres => mark_ready_within(&mut postgres(db).await, task, end).await,
        Backend::Sqlite => mark_ready_within(&mut sqlite(db).await, task, end).await,
    }
}

fn assert_refused(joined: &Result<Tx<'_>, Error>) {
    let refused = matches!(joined, Err(Error::InvalidInput { .. }));
    assert!(refused, "{joined:?}");
}

async fn a_connection_in_no_transaction_is_refused(db: &TestDatabase) {
    match db.backend() {
        Backend::Postgres => {
            let mut connection = postgres(db).await;
            assert_refused(&Tx::join(&mut connection));
            // Diesel counts the transactions that it began itself.
            diesel::sql_query("BEGIN")
                .execute(&mut connection)
                .await
                .unwrap();
            assert_refused(&Tx::join(&mut connection));
        }
        Backend::Sqlite => assert_refused(&Tx::join(&mut sqlite(db).await)),
    }
}

async fn what_was_joined_commits_with_its_owner(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let task = task::create(&dal).await;
    mark_ready(db, task, End::Commit).await;
    assert_eq!(task::status(&dal, task).await, TaskStatus::Ready);
    assert_eq!(db.query_i64("SELECT count(*) FROM orders").await, 0);
}

async fn what_was_joined_rolls_back_with_its_owner(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let task = task::create(&dal).await;
    let before = db.dump().await;
    mark_ready(db, task, End::RollBack).await;
    assert_eq!(db.dump().await, before);
    let orders = db.try_execute("SELECT count(*) FROM orders").await;
    assert!(orders.is_err(), "the table is gone, too");
}
