//! How long an executor keeps what has ended.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_executor::{Error, ExecutorBuilder};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

use crate::support::{builder, connect, ready, until};

taskbox_test_support::suite! {
    what_has_ended_is_deleted_after_its_time,
    what_has_ended_is_kept_for_a_month_and_live_tasks_for_ever,
    an_executor_that_keeps_all_deletes_nothing,
    a_retention_of_more_than_a_century_is_refused,
}

/// That ended two months ago.
async fn old(db: &TestDatabase, dal: &DAL) -> Uuid {
    let task = dal
        .task_execution()
        .create(NewTaskExecution::standalone("t"));
    let task = task.await.unwrap().id;
    dal.task_execution().cancel(task).await.unwrap();
    let id = db.uuid_literal(task);
    let past = match db.backend() {
        Backend::Postgres => "clock_timestamp() - interval '60 days'",
        Backend::Sqlite => "(unixepoch() - 60 * 86400) * 1000000",
    };
    db.execute(&format!(
        "UPDATE task_executions SET created_at = {past}, updated_at = {past} WHERE id = {id};
        UPDATE execution_events SET created_at = {past} WHERE task_execution_id = {id}"
    ))
    .await;
    task
}

fn doing_nothing(dal: &DAL) -> ExecutorBuilder {
    builder(dal).task("t", async |_ctx, (): ()| Ok(()))
}

async fn is_there(dal: &DAL, task: Uuid) -> bool {
    dal.task_execution().get(task).await.is_ok()
}

async fn until_gone(dal: &DAL, task: Uuid) {
    while is_there(dal, task).await {}
}

async fn what_has_ended_is_deleted_after_its_time(db: &TestDatabase) {
    let dal = connect(db).await;
    let ended = dal
        .task_execution()
        .create(NewTaskExecution::standalone("t"));
    let ended = ended.await.unwrap().id;
    dal.task_execution().cancel(ended).await.unwrap();
    let executor = doing_nothing(&dal).retention(Duration::ZERO);
    let executor = executor.build().unwrap().start();
    until_gone(&dal, ended).await;
    executor.stop().await.unwrap();
}

async fn what_has_ended_is_kept_for_a_month_and_live_tasks_for_ever(db: &TestDatabase) {
    let dal = connect(db).await;
    let live = dal
        .task_execution()
        .create(NewTaskExecution::standalone("t"));
    let live = live.await.unwrap().id;
    let of_today = ready(&dal, NewTaskExecution::standalone("t")).await;
    let old = old(db, &dal).await;
    let executor = doing_nothing(&dal).build().unwrap().start();
    until(&dal, of_today, TaskStatus::Completed).await;
    until_gone(&dal, old).await;
    executor.stop().await.unwrap();
    assert!(is_there(&dal, live).await && is_there(&dal, of_today).await);
}

async fn an_executor_that_keeps_all_deletes_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    let old = old(db, &dal).await;
    let keeps = doing_nothing(&dal).keep_forever().build().unwrap().start();
    let last = ready(&dal, NewTaskExecution::standalone("t")).await;
    until(&dal, last, TaskStatus::Completed).await;
    keeps.stop().await.unwrap();
    assert!(is_there(&dal, old).await);
}

async fn a_retention_of_more_than_a_century_is_refused(db: &TestDatabase) {
    let executor = doing_nothing(&connect(db).await).retention(Duration::MAX);
    let error = executor.build().unwrap_err();
    let named = matches!(
        error,
        Error::InvalidInput {
            what: "retention",
            ..
        }
    );
    assert!(named, "{error}");
}
