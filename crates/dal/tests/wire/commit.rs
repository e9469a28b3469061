//! A connection that dies during COMMIT: the DAL finds out what became of it, or says that it cannot.

use std::time::{Duration, Instant};

use taskbox_dal::{DAL, Error};
use taskbox_models::{NewPipelineExecution, NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{
    orders, own_sql,
    proxy::{Cut, Proxy},
    task,
};

taskbox_test_support::suite! {
    postgres: [
        an_operation_whose_commit_did_not_arrive_is_made_again,
        a_transaction_whose_commit_did_not_arrive_is_known_to_be_rolled_back,
        an_operation_whose_commit_was_not_answered_is_found_to_be_done,
        a_transaction_whose_commit_was_not_answered_is_found_to_be_done,
        what_was_made_is_found_although_its_commit_was_not_answered,
        a_commit_of_another_transaction_of_the_same_id_is_not_taken_for_this_one,
        an_event_that_a_savepoint_took_back_proves_nothing,
        a_server_that_cannot_be_asked_leaves_the_commit_unknown,
        a_transaction_of_the_program_alone_leaves_the_commit_unknown,
        what_was_committed_stands_although_the_session_could_not_be_put_back,
    ],
}

/// With one connection, which is warm: it has run every statement that is about to be counted or cut.
async fn connect(db: &TestDatabase) -> (Proxy, DAL) {
    orders::create_table(db).await;
    let proxy = Proxy::before(&db.url());
    let dal = DAL::builder(proxy.url())
        .pool_size(1)
        .connect()
        .await
        .unwrap();
    let task = task::create(&dal).await;
    dal.task_execution().mark_ready(task).await.unwrap();
    (proxy, dal)
}

async fn marked_ready(db: &TestDatabase, task: Uuid) -> i64 {
    let task = db.uuid_literal(task);
    db.query_i64(&format!(
        "SELECT count(*) FROM execution_events
        WHERE task_execution_id = {task} AND event_type = 'task_marked_ready'"
    ))
    .await
}

async fn an_operation_whose_commit_did_not_arrive_is_made_again(db: &TestDatabase) {
    let (proxy, dal) = connect(db).await;
    let task = task::create(&dal).await;
    proxy.cut(Cut::BEFORE_THE_SERVER);
    dal.task_execution().mark_ready(task).await.unwrap();
    assert_eq!(marked_ready(db, task).await, 1);
}

async fn a_transaction_whose_commit_did_not_arrive_is_known_to_be_rolled_back(db: &TestDatabase) {
    let (proxy, dal) = connect(db).await;
    let task = task::create(&dal).await;
    let before = db.dump().await;
    proxy.cut(Cut::BEFORE_THE_SERVER);
    let answer: Result<(), Error> = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            tx.task_execution().mark_ready(task).await
        })
        .await;
    let error = answer.unwrap_err();
    assert!(matches!(error, Error::Database(_)), "{error:?}");
    assert!(error.is_transient(), "{error:?}");
    assert_eq!(db.dump().await, before);
    assert_eq!(orders::count(db).await, 0);
}

async fn an_operation_whose_commit_was_not_answered_is_found_to_be_done(db: &TestDatabase) {
    let (proxy, dal) = connect(db).await;
    let task = task::create(&dal).await;
    proxy.cut(Cut::BEFORE_THE_ANSWER);
    dal.task_execution().mark_ready(task).await.unwrap();
    assert_eq!(marked_ready(db, task).await, 1);
}

async fn a_transaction_whose_commit_was_not_answered_is_found_to_be_done(db: &TestDatabase) {
    let (proxy, dal) = connect(db).await;
    let task = task::create(&dal).await;
    proxy.cut(Cut::BEFORE_THE_ANSWER);
    dal.transaction(async |tx| {
        orders::insert(tx).await?;
        tx.task_execution().mark_ready(task).await
    })
    .await
    .unwrap();
    assert_eq!(orders::count(db).await, 1);
    assert_eq!(marked_ready(db, task).await, 1);
}

async fn what_was_made_is_found_although_its_commit_was_not_answered(db: &TestDatabase) {
    let (proxy, dal) = connect(db).await;
    proxy.cut(Cut::BEFORE_THE_ANSWER);
    let import = NewPipelineExecution::new("import");
    let pipeline = dal.pipeline_execution().create(import).await.unwrap();
    proxy.cut(Cut::BEFORE_THE_ANSWER);
    let fetch = NewTaskExecution::new(pipeline.id, "fetch");
    let task = dal.task_execution().create(fetch).await.unwrap();
    let tasks = dal.task_execution().list_by_pipeline(pipeline.id).await;
    assert_eq!(tasks.unwrap(), [task]);
}

/// After a crash the server can give the id of a lost transaction to another one. Here the event is what was lost.
async fn a_commit_of_another_transaction_of_the_same_id_is_not_taken_for_this_one(
    db: &TestDatabase,
) {
    db.is_broken_on_purpose();
    let (proxy, dal) = connect(db).await;
    let task = task::create(&dal).await;
    db.execute(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER lose BEFORE INSERT ON execution_events
            FOR EACH ROW EXECUTE FUNCTION lose()",
    )
    .await;
    proxy.cut(Cut::BEFORE_THE_ANSWER);
    let answer: Result<(), Error> = dal
        .transaction(async |tx| tx.task_execution().mark_ready(task).await)
        .await;
    assert!(matches!(answer, Err(Error::Database(_))), "{answer:?}");
}

async fn an_event_that_a_savepoint_took_back_proves_nothing(db: &TestDatabase) {
    let (proxy, dal) = connect(db).await;
    let task = task::create(&dal).await;
    proxy.cut(Cut::BEFORE_THE_ANSWER);
    let answer: Result<(), Error> = dal
        .transaction(async |tx| {
            orders::insert(tx).await?;
            own_sql::execute(tx, "SAVEPOINT here").await?;
            tx.task_execution().mark_ready(task).await?;
            own_sql::execute(tx, "ROLLBACK TO SAVEPOINT here").await?;
            Ok(())
        })
        .await;
    let unknown = matches!(answer, Err(Error::CommitUnknown { .. }));
    assert!(unknown, "{answer:?}");
    assert_eq!(orders::count(db).await, 1);
    assert_eq!(task::status(&dal, task).await, TaskStatus::NotStarted);
}

async fn a_server_that_cannot_be_asked_leaves_the_commit_unknown(db: &TestDatabase) {
    for (cut, times) in [(Cut::BEFORE_THE_SERVER, 0), (Cut::BEFORE_THE_ANSWER, 1)] {
        let other = TestDatabase::create(db.backend()).await;
        let (proxy, dal) = connect(&other).await;
        let task = task::create(&dal).await;
        proxy.cut(cut);
        proxy.go_down();
        let begun = Instant::now();
        let answer = dal.task_execution().mark_ready(task).await;
        let unknown = matches!(answer, Err(Error::CommitUnknown { .. }));
        assert!(unknown, "{answer:?}");
        assert!(!answer.unwrap_err().is_transient());
        let taken = begun.elapsed();
        assert!(taken < Duration::from_secs(20), "{taken:?}");
        assert_eq!(marked_ready(&other, task).await, times);
    }
}

async fn a_transaction_of_the_program_alone_leaves_the_commit_unknown(db: &TestDatabase) {
    let (proxy, dal) = connect(db).await;
    for (cut, orders) in [(Cut::BEFORE_THE_SERVER, 0), (Cut::BEFORE_THE_ANSWER, 1)] {
        proxy.cut(cut);
        let answer = dal.transaction(async |tx| orders::insert(tx).await).await;
        let unknown = matches!(answer, Err(Error::CommitUnknown { .. }));
        assert!(unknown, "{answer:?}");
        assert_eq!(orders::count(db).await, orders);
    }
}

/// The connection is not used again, and the next call has another.
async fn what_was_committed_stands_although_the_session_could_not_be_put_back(db: &TestDatabase) {
    let (proxy, dal) = connect(db).await;
    for number in 1..=5 {
        proxy.cut(Cut::BEHIND_THE_COMMIT);
        dal.transaction(async |tx| orders::insert(tx).await)
            .await
            .unwrap();
        assert_eq!(orders::count(db).await, number);
        dal.task_outbox().count_pending().await.unwrap();
    }
}
