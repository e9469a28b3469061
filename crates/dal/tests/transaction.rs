//! What `DAL::transaction` promises: all or nothing, within the deadline, and the connection comes back.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{future::pending, sync::Arc, time::Duration};

use diesel::result::{DatabaseErrorKind, Error as Diesel};
use taskbox_dal::{DAL, Error};
use taskbox_models::TaskStatus;
use taskbox_test_support::{Backend, TestDatabase};
use tokio::sync::Notify;

mod support {
    pub(crate) mod orders;
    pub(crate) mod own_sql;
    pub(crate) mod task;
}

use support::{orders, own_sql, task};

taskbox_test_support::suite! {
    the_programs_write_and_the_transition_commit_together,
    the_programs_write_and_the_transition_roll_back_together,
    an_error_of_the_programs_own_type_comes_back_as_it_was,
    a_commit_that_the_database_refuses_leaves_nothing,
    the_deadline_rolls_back_and_frees_the_connection,
    a_full_pool_is_a_pool_timeout,
    a_panic_rolls_back_and_frees_the_connection,
    a_transaction_inside_a_transaction_times_out_instead_of_hanging,
    the_other_backend_is_refused,
    a_transaction_can_be_spawned,
}

/// With one connection, so that one that is lost is missed at once.
async fn connect(db: &TestDatabase) -> DAL {
    DAL::builder(db.url()).pool_size(1).connect().await.unwrap()
}

async fn the_programs_write_and_the_transition_commit_together(db: &TestDatabase) {
    let dal = connect(db).await;
    orders::create_table(db).await;
    let task = task::create(&dal).await;
    let answer = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            tx.task_execution().mark_ready(task).await?;
            Ok::<_, Error>("shipped")
        })
        .await;
    assert_eq!(answer.unwrap(), "shipped");
    assert_eq!(orders::count(db).await, 1);
    assert_eq!(task::status(&dal, task).await, TaskStatus::Ready);
}

async fn the_programs_write_and_the_transition_roll_back_together(db: &TestDatabase) {
    let dal = connect(db).await;
    orders::create_table(db).await;
    let task = task::create(&dal).await;
    let before = db.dump().await;
    let answer: Result<(), Error> = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            tx.task_execution().mark_ready(task).await?;
            tx.task_execution().mark_ready(task).await
        })
        .await;
    assert!(matches!(answer, Err(Error::Conflict(_))), "{answer:?}");
    assert_eq!(orders::count(db).await, 0);
    assert_eq!(db.dump().await, before);
    dal.task_execution().mark_ready(task).await.unwrap();
}

#[derive(Debug)]
enum ShopError {
    SoldOut,
    Taskbox(Error),
}

impl From<Error> for ShopError {
    fn from(error: Error) -> Self {
        Self::Taskbox(error)
    }
}

async fn an_error_of_the_programs_own_type_comes_back_as_it_was(db: &TestDatabase) {
    let dal = connect(db).await;
    orders::create_table(db).await;
    let task = task::create(&dal).await;
    let sold_out = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            Err::<(), _>(ShopError::SoldOut)
        })
        .await;
    assert!(matches!(sold_out, Err(ShopError::SoldOut)), "{sold_out:?}");
    assert_eq!(orders::count(db).await, 0);

    let refused = dal
        .transaction(async |tx| {
            tx.task_execution().skip(task, "not needed").await?;
            tx.task_execution().mark_ready(task).await?;
            Ok::<_, ShopError>(())
        })
        .await;
    let Err(ShopError::Taskbox(Error::Conflict(conflict))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(conflict.found, Some(TaskStatus::Skipped));
}

async fn a_commit_that_the_database_refuses_leaves_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    orders::create_table(db).await;
    db.execute(
        "CREATE TABLE parcels (
            order_id INTEGER REFERENCES orders (id) DEFERRABLE INITIALLY DEFERRED
        )",
    )
    .await;
    let task = task::create(&dal).await;
    let before = db.dump().await;
    let answer: Result<(), Error> = dal
        .transaction(async |tx| {
            own_sql::execute(tx, "INSERT INTO parcels (order_id) VALUES (7)").await?;
            tx.task_execution().mark_ready(task).await
        })
        .await;
    let refused = matches!(
        answer,
        Err(Error::Database(Diesel::DatabaseError(
            DatabaseErrorKind::ForeignKeyViolation,
            _
        )))
    );
    assert!(refused, "{answer:?}");
    assert_eq!(db.query_i64("SELECT count(*) FROM parcels").await, 0);
    assert_eq!(db.dump().await, before);
    dal.task_execution().mark_ready(task).await.unwrap();
}

async fn the_deadline_rolls_back_and_frees_the_connection(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    let before = db.dump().await;
    let deadline = Duration::from_secs(2);
    let hasty = DAL::builder(db.url())
        .pool_size(1)
        .deadline(deadline)
        .connect()
        .await
        .unwrap();
    let answer: Result<(), Error> = hasty
        .transaction(async |tx| {
            tx.task_execution().mark_ready(task).await?;
            pending().await
        })
        .await;
    let Err(Error::DeadlineExceeded { deadline: told }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(told, deadline);
    assert_eq!(db.dump().await, before);
    hasty.task_execution().mark_ready(task).await.unwrap();
}

async fn a_full_pool_is_a_pool_timeout(db: &TestDatabase) {
    let timeout = Duration::from_secs(1);
    let dal = DAL::builder(db.url())
        .pool_size(1)
        .acquire_timeout(timeout)
        .connect()
        .await
        .unwrap();
    let (begun, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let holder = tokio::spawn({
        let (dal, begun, done) = (dal.clone(), Arc::clone(&begun), Arc::clone(&done));
        async move {
            dal.transaction(async |_tx| {
                begun.notify_one();
                done.notified().await;
                Ok::<_, Error>(())
            })
            .await
        }
    });
    begun.notified().await;
    let writer = dal.transaction(async |_tx| Ok::<_, Error>(())).await;
    let reader = dal.task_outbox().count_pending().await;
    for answer in [writer, reader.map(drop)] {
        let Err(Error::PoolTimeout { waited }) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(waited, timeout);
    }
    done.notify_one();
    holder.await.unwrap().unwrap();
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 0);
}

async fn a_panic_rolls_back_and_frees_the_connection(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    let before = db.dump().await;
    let panicked = tokio::spawn({
        let dal = dal.clone();
        async move {
            dal.transaction(async |tx| {
                tx.task_execution().mark_ready(task).await?;
                assert!(task.is_nil(), "on purpose");
                Ok::<_, Error>(())
            })
            .await
        }
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(db.dump().await, before);
    dal.task_execution().mark_ready(task).await.unwrap();
}

/// The inner one waits for what the outer one holds: the last connection, or on `SQLite` the turn to write.
async fn a_transaction_inside_a_transaction_times_out_instead_of_hanging(db: &TestDatabase) {
    let pool_size = match db.backend() {
        Backend::Postgres => 1,
        Backend::Sqlite => 4,
    };
    let dal = DAL::builder(db.url())
        .pool_size(pool_size)
        .acquire_timeout(Duration::from_secs(1))
        .connect()
        .await
        .unwrap();
    let task = task::create(&dal).await;
    let answer: Result<(), Error> = dal
        .transaction(async |tx| {
            tx.task_execution().mark_ready(task).await?;
            dal.transaction(async |_inner| Ok(())).await
        })
        .await;
    assert!(
        matches!(answer, Err(Error::PoolTimeout { .. })),
        "{answer:?}"
    );
    assert_eq!(task::status(&dal, task).await, TaskStatus::NotStarted);
}

async fn the_other_backend_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    let backend = db.backend();
    dal.transaction(async |tx| {
        let (refused, other) = match backend {
            Backend::Postgres => (tx.sqlite().map(drop), "SQLite"),
            Backend::Sqlite => (tx.postgres().map(drop), "Postgres"),
        };
        let Err(Error::WrongBackend { asked }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(asked, other);
        tx.task_execution().mark_ready(task).await
    })
    .await
    .unwrap();
    assert_eq!(task::status(&dal, task).await, TaskStatus::Ready);
}

/// That its future is `Send` is proved by the compiler.
async fn a_transaction_can_be_spawned(db: &TestDatabase) {
    fn send<T: Send>(future: T) -> T {
        future
    }
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    let once = {
        let dal = dal.clone();
        async move {
            let skip = async |tx: &mut taskbox_dal::Tx<'_>| {
                tx.task_execution().skip(task, "not needed").await
            };
            send(dal.transaction(skip)).await
        }
    };
    tokio::spawn(once).await.unwrap().unwrap();
    let again = async move {
        let read = async |tx: &mut taskbox_dal::Tx<'_>| tx.task_execution().get(task).await;
        send(dal.transaction_with_retry(read)).await
    };
    let task = tokio::spawn(again).await.unwrap().unwrap();
    assert_eq!(task.status, TaskStatus::Skipped);
}
