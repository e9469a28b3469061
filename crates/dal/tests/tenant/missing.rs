//! A tenant without tables, beside those of `public`, which have rows.

use std::time::{Duration, Instant};

use taskbox_dal::{DAL, Error, Result};
use taskbox_models::{
    EventType, NewPipelineExecution, NewTaskExecution, NewTaskOutbox, TaskStatus,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    support::{own_sql, task, versions::versions},
    tenant, unmigrated,
};

taskbox_test_support::suite! {
    postgres: [
        a_tenant_without_a_schema_is_told_so_and_sees_nothing_of_public,
        a_tenant_without_tables_is_told_so_and_sees_nothing_of_public,
        a_table_of_the_program_that_is_in_public_alone_is_not_there,
        nothing_is_made_elsewhere_while_the_schema_is_missing,
        a_schema_that_is_dropped_under_its_users_is_told_as_missing,
        the_tables_of_an_older_version_are_told_as_such,
    ],
}

/// A task that is ready, and its history.
async fn in_public(db: &TestDatabase) -> Uuid {
    let dal = DAL::connect(db.url()).await.unwrap();
    let task = task::create(&dal).await;
    dal.task_execution().mark_ready(task).await.unwrap();
    task
}

fn assert_unmigrated<T: std::fmt::Debug>(answer: Result<T>) {
    let Err(error) = answer else {
        panic!("{answer:?}");
    };
    let Error::Unmigrated { schema, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(schema.as_deref(), Some("tenant_a"));
    assert!(!error.is_transient());
    let text = error.to_string();
    assert!(text.starts_with("the schema tenant_a lacks"), "{text}");
    assert!(text.contains("`taskbox migrate`"), "{text}");
}

async fn assert_nothing_can_be_done(dal: &DAL, task: Uuid) {
    let begun = Instant::now();
    let tasks = dal.task_execution();
    let new = || NewTaskExecution::standalone("ship");
    assert_unmigrated(tasks.create(new()).await);
    assert_unmigrated(tasks.get(task).await);
    assert_unmigrated(tasks.mark_ready(task).await);
    assert_unmigrated(tasks.cancel(task).await);
    assert_unmigrated(tasks.list_by_status(TaskStatus::Ready, 9).await);
    assert_unmigrated(tasks.next_due().await);
    assert_unmigrated(tasks.recover_expired(9).await);
    let row = NewTaskOutbox {
        task_execution_id: task,
    };
    assert_unmigrated(dal.task_outbox().create(row).await);
    assert_unmigrated(dal.task_outbox().count_pending().await);
    assert_unmigrated(dal.task_outbox().delete_by_task(task).await);
    assert_unmigrated(dal.execution_event().list_by_task(task).await);
    let ready = EventType::TaskMarkedReady;
    assert_unmigrated(dal.execution_event().list_by_type(ready, 9).await);
    assert_unmigrated(dal.worker().register("w").await);
    assert_unmigrated(dal.worker().list(9).await);
    let pipeline = NewPipelineExecution::new("p");
    assert_unmigrated(dal.pipeline_execution().create(pipeline).await);
    assert_unmigrated(dal.pipeline_execution().list_recent(9).await);
    let within = dal.transaction(async |tx| tx.task_execution().create(new()).await);
    assert_unmigrated(within.await);
    let swallowed = dal.transaction(async |tx| {
        let _ = tx.task_execution().create(new()).await;
        Ok::<_, Error>(())
    });
    let swallowed = swallowed.await.unwrap_err();
    assert!(matches!(swallowed, Error::Poisoned { .. }), "{swallowed:?}");
    assert!(swallowed.to_string().contains("tenant_a"), "{swallowed}");
    // None of it was tried again.
    assert!(begun.elapsed() < Duration::from_secs(10));
}

async fn a_tenant_without_a_schema_is_told_so_and_sees_nothing_of_public(db: &TestDatabase) {
    let task = in_public(db).await;
    let before = db.dump().await;
    let dal = unmigrated(db, "tenant_a").await;
    assert_nothing_can_be_done(&dal, task).await;
    assert_eq!(dal.pending_migrations().await.unwrap(), versions());
    assert_eq!(db.dump().await, before);

    assert_eq!(dal.migrate().await.unwrap(), versions());
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 0);
    let unknown = dal.task_execution().get(task).await.unwrap_err();
    assert!(matches!(unknown, Error::NotFound { .. }), "{unknown:?}");
    assert_eq!(db.dump().await, before);
}

async fn a_tenant_without_tables_is_told_so_and_sees_nothing_of_public(db: &TestDatabase) {
    let task = in_public(db).await;
    let before = db.dump().await;
    db.execute("CREATE SCHEMA tenant_a").await;
    let dal = unmigrated(db, "tenant_a").await;
    assert_nothing_can_be_done(&dal, task).await;
    assert_eq!(dal.pending_migrations().await.unwrap(), versions());
    assert_eq!(db.dump().await, before);
}

async fn a_table_of_the_program_that_is_in_public_alone_is_not_there(db: &TestDatabase) {
    db.execute("CREATE TABLE orders (id INTEGER)").await;
    let dal = tenant(db, "tenant_a").await;
    let insert = "INSERT INTO orders VALUES (1)";
    let refused = dal.transaction(async |tx| own_sql::execute(tx, insert).await);
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, Error::Database(_)), "{refused:?}");
    assert!(refused.to_string().contains("orders"), "{refused}");
    let named = "INSERT INTO public.orders VALUES (1)";
    let named = dal.transaction(async |tx| own_sql::execute(tx, named).await);
    assert_eq!(named.await.unwrap(), 1);
}

/// Not in `public`, and not for the session alone.
async fn nothing_is_made_elsewhere_while_the_schema_is_missing(db: &TestDatabase) {
    let dal = unmigrated(db, "tenant_a").await;
    let create = "CREATE TABLE orders (id INTEGER)";
    let refused = dal.transaction(async |tx| own_sql::execute(tx, create).await);
    let refused = refused.await.unwrap_err();
    assert!(refused.to_string().contains("no schema"), "{refused}");
    let made = "SELECT count(*) FROM pg_class WHERE relname = 'orders'";
    assert_eq!(db.query_i64(made).await, 0);
}

/// With connections that have run every statement before.
async fn a_schema_that_is_dropped_under_its_users_is_told_as_missing(db: &TestDatabase) {
    let task = in_public(db).await;
    let dal = tenant(db, "tenant_a").await;
    let own = task::create(&dal).await;
    dal.task_execution().mark_ready(own).await.unwrap();
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 1);
    db.execute("DROP SCHEMA tenant_a CASCADE").await;
    assert_nothing_can_be_done(&dal, task).await;
    assert_eq!(dal.migrate().await.unwrap(), versions());
    task::create(&dal).await;
}

async fn the_tables_of_an_older_version_are_told_as_such(db: &TestDatabase) {
    let dal = tenant(db, "tenant_a").await;
    db.execute("ALTER TABLE tenant_a.task_outbox DROP COLUMN queue CASCADE")
        .await;
    let task = task::create(&dal).await;
    let error = dal.task_execution().mark_ready(task).await.unwrap_err();
    let Error::Unmigrated { failure, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(failure.contains("queue"), "{error}");
}
