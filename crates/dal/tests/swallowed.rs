//! An error that a closure swallows is not a silent commit, nor a silent rollback.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use taskbox_dal::{DAL, Error, Fault};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

mod support {
    pub(crate) mod orders;
    pub(crate) mod own_sql;
    pub(crate) mod task;
}

use support::{orders, own_sql, task};

taskbox_test_support::suite! {
    both: [
        a_transition_that_failed_half_way_spoils_the_transaction,
        a_read_that_failed_spoils_the_transaction,
        a_spoiled_transaction_refuses_what_follows,
        a_refusal_spoils_nothing,
        an_invalid_argument_spoils_nothing,
    ],
    postgres: [
        a_statement_of_the_program_that_failed_is_no_commit,
        an_error_behind_the_first_row_is_no_commit,
    ],
    sqlite: [
        a_statement_of_the_program_that_failed_leaves_the_others,
        a_transaction_that_the_database_ended_takes_no_more_operations,
    ],
}

async fn connect(db: &TestDatabase) -> DAL {
    orders::create_table(db).await;
    DAL::builder(db.url()).pool_size(1).connect().await.unwrap()
}

/// A statement that the primary key refuses once there is an order.
const DUPLICATE: &str = "INSERT INTO orders SELECT id FROM orders";

/// Makes the statement that publishes a task fail, after the task's row was changed on `SQLite`.
async fn refuse_outbox_rows(db: &TestDatabase) {
    db.execute(match db.backend() {
        Backend::Postgres => {
            "ALTER TABLE task_outbox ADD CONSTRAINT refuse CHECK (false) NOT VALID"
        }
        Backend::Sqlite => {
            "CREATE TRIGGER refuse BEFORE INSERT ON task_outbox
                BEGIN SELECT RAISE(ABORT, 'refuse'); END"
        }
    })
    .await;
}

fn assert_poisoned(answer: Result<(), Error>, by: &str) {
    let Err(Error::Poisoned { failure }) = answer else {
        panic!("{answer:?}");
    };
    assert!(failure.contains(by), "{failure}");
}

async fn a_transition_that_failed_half_way_spoils_the_transaction(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    refuse_outbox_rows(db).await;
    let before = db.dump().await;
    let answer = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            let failed = tx.task_execution().mark_ready(task).await;
            assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
            Ok::<_, Error>(())
        })
        .await;
    assert_poisoned(answer, "refuse");
    assert_eq!(orders::count(db).await, 0);
    assert_eq!(db.dump().await, before);
}

async fn a_read_that_failed_spoils_the_transaction(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    db.execute("ALTER TABLE execution_events RENAME TO elsewhere")
        .await;
    let answer = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            let failed = tx.execution_event().list_by_task(task).await;
            assert!(
                matches!(failed, Err(Error::Unmigrated { .. })),
                "{failed:?}"
            );
            Ok::<_, Error>(())
        })
        .await;
    db.execute("ALTER TABLE elsewhere RENAME TO execution_events")
        .await;
    assert_poisoned(answer, "execution_events");
    assert_eq!(orders::count(db).await, 0);
}

async fn a_spoiled_transaction_refuses_what_follows(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    let before = db.dump().await;
    dal.faults().arm("transition: done", Fault::Error);
    let answer = dal
        .transaction(async |tx| {
            let failed = tx.task_execution().mark_ready(task).await;
            assert!(matches!(failed, Err(Error::Database(_))), "{failed:?}");
            let write = tx.task_execution().cancel(task).await;
            assert_poisoned(write, "transition: done");
            let read = tx.task_execution().get(task).await;
            assert_poisoned(read.map(drop), "transition: done");
            Ok::<_, Error>(())
        })
        .await;
    assert_poisoned(answer, "transition: done");
    assert_eq!(db.dump().await, before);
    dal.task_execution().mark_ready(task).await.unwrap();
}

async fn a_refusal_spoils_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    let (task, other) = (task::create(&dal).await, task::create(&dal).await);
    dal.task_execution().mark_ready(other).await.unwrap();
    dal.transaction(async |tx| {
        let conflict = tx.task_execution().mark_ready(other).await;
        assert!(matches!(conflict, Err(Error::Conflict(_))), "{conflict:?}");
        let not_found = tx.task_execution().mark_ready(Uuid::nil()).await;
        assert!(
            matches!(not_found, Err(Error::NotFound { .. })),
            "{not_found:?}"
        );
        let unread = tx.task_execution().get(Uuid::nil()).await;
        assert!(matches!(unread, Err(Error::NotFound { .. })), "{unread:?}");
        orders::insert(tx).await?;
        tx.task_execution().mark_ready(task).await
    })
    .await
    .unwrap();
    assert_eq!(orders::count(db).await, 1);
    assert_eq!(task::status(&dal, task).await, TaskStatus::Ready);
}

async fn an_invalid_argument_spoils_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    dal.transaction(async |tx| {
        let nameless = NewTaskExecution::standalone("");
        let refused = tx.task_execution().create(nameless).await;
        assert!(
            matches!(refused, Err(Error::InvalidInput { .. })),
            "{refused:?}"
        );
        orders::insert(tx).await
    })
    .await
    .unwrap();
    assert_eq!(orders::count(db).await, 1);
}

async fn a_statement_of_the_program_that_failed_is_no_commit(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    let before = db.dump().await;
    let answer = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            tx.task_execution().mark_ready(task).await?;
            assert!(own_sql::execute(tx, DUPLICATE).await.is_err());
            Ok::<_, Error>(())
        })
        .await;
    assert!(matches!(answer, Err(Error::Database(_))), "{answer:?}");
    assert_eq!(orders::count(db).await, 0);
    assert_eq!(db.dump().await, before);
    dal.task_execution().mark_ready(task).await.unwrap();
}

#[derive(diesel::QueryableByName)]
struct Quotient {
    #[diesel(sql_type = Integer)]
    quotient: i32,
}

/// `get_result` looks at the first row alone, so the program does not even learn of the error.
async fn an_error_behind_the_first_row_is_no_commit(db: &TestDatabase) {
    let dal = connect(db).await;
    let answer = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            let rows = "SELECT 1 / (2 - n) AS quotient FROM generate_series(1, 2) n";
            let first: Quotient = diesel::sql_query(rows).get_result(tx.postgres()?).await?;
            assert_eq!(first.quotient, 1);
            Ok::<_, Error>(())
        })
        .await;
    assert!(matches!(answer, Err(Error::Database(_))), "{answer:?}");
    assert_eq!(orders::count(db).await, 0);
}

/// Differs from Postgres, where one failed statement aborts the transaction.
async fn a_statement_of_the_program_that_failed_leaves_the_others(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task::create(&dal).await;
    dal.transaction(async |tx| {
        orders::insert(tx).await?;
        assert!(own_sql::execute(tx, DUPLICATE).await.is_err());
        tx.task_execution().mark_ready(task).await
    })
    .await
    .unwrap();
    assert_eq!(orders::count(db).await, 1);
    assert_eq!(task::status(&dal, task).await, TaskStatus::Ready);
}

/// `SQLite` rolls back by itself when the disk is full under certain statements. What followed would be written without a transaction.
async fn a_transaction_that_the_database_ended_takes_no_more_operations(db: &TestDatabase) {
    let dal = connect(db).await;
    db.execute("CREATE TABLE photos (photo BLOB)").await;
    let task = task::create(&dal).await;
    let before = db.dump().await;
    let answer = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            own_sql::execute(tx, "PRAGMA max_page_count = 1").await?;
            let big = "INSERT INTO photos (photo) VALUES (zeroblob(1000000))";
            assert!(own_sql::execute(tx, big).await.is_err(), "the disk is full");
            own_sql::execute(tx, "PRAGMA max_page_count = 1000000").await?;
            let refused = tx.task_execution().mark_ready(task).await;
            assert!(matches!(refused, Err(Error::Database(_))), "{refused:?}");
            Ok::<_, Error>(())
        })
        .await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(orders::count(db).await, 0);
    assert_eq!(db.dump().await, before);
    dal.task_execution().mark_ready(task).await.unwrap();
}
