//! The tables of docs/walkthrough.md, which are those of a real run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod tables;

use std::time::Duration;

use serde_json::json;
use taskbox_dal::{DAL, Error};
use taskbox_models::{Claim, NewPipelineExecution, NewTaskExecution, Worker};
use taskbox_test_support::TestDatabase;

use tables::Tables;

taskbox_test_support::suite! { the_page_shows_the_rows_of_a_run }

const PAGE: &str = include_str!("../../../../docs/walkthrough.md");

async fn connect(db: &TestDatabase, lease: Duration) -> DAL {
    let builder = DAL::builder(db.url()).lease(lease);
    builder.connect().await.unwrap()
}

/// Until there is something to claim.
async fn claim(dal: &DAL, worker: &Worker) -> Claim {
    loop {
        let claims = dal.task_execution().claim(worker, 1).await.unwrap();
        if let Some(claim) = claims.into_iter().next() {
            return claim;
        }
    }
}

/// Until a lease is over.
async fn sweep(dal: &DAL) {
    loop {
        let swept = dal.task_execution().recover_expired(9).await.unwrap();
        if !swept.recovered.is_empty() {
            return;
        }
    }
}

async fn enqueue(dal: &DAL, tables: &mut Tables<'_>) {
    let new = NewPipelineExecution::new("import docs");
    let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
    let new = NewTaskExecution::new(pipeline, "hash");
    let task = dal.task_execution().create(new).await.unwrap().id;
    tables.name(pipeline, "P");
    tables.name(task, "T");
    tables.show().await;
    dal.task_execution().mark_ready(task).await.unwrap();
    tables.show().await;
}

async fn crash(dal: &DAL, tables: &mut Tables<'_>) {
    let ada = dal.worker().register("ada").await.unwrap();
    tables.name(ada.id, "A");
    let lost = claim(dal, &ada).await;
    tables.show().await;
    sweep(dal).await;
    tables.show().await;
    let late = dal.task_execution().complete(&lost, None).await;
    assert!(matches!(late, Err(Error::LeaseLost { .. })), "{late:?}");
    let beat = dal.worker().heartbeat(&ada).await;
    assert!(matches!(beat, Err(Error::LeaseLost { .. })), "{beat:?}");
    tables.show_nothing_new().await;
}

async fn retry(dal: &DAL, tables: &mut Tables<'_>) {
    let bob = dal.worker().register("bob").await.unwrap();
    tables.name(bob.id, "B");
    let failed = claim(dal, &bob).await;
    let delay = Duration::from_millis(50);
    let retry = dal.task_execution();
    let retried = retry.schedule_retry(&failed, "no answer", delay).await;
    retried.unwrap();
    tables.show().await;
    let claim = claim(dal, &bob).await;
    tables.show().await;
    let output = json!({ "sha256": "0b26" });
    let complete = dal.task_execution();
    complete.complete(&claim, Some(output)).await.unwrap();
    tables.show().await;
}

async fn the_page_shows_the_rows_of_a_run(db: &TestDatabase) {
    let mut tables = Tables::of(db);
    let hasty = connect(db, Duration::from_secs(2)).await;
    enqueue(&hasty, &mut tables).await;
    crash(&hasty, &mut tables).await;
    let dal = connect(db, Duration::from_secs(30)).await;
    retry(&dal, &mut tables).await;
    tables.assert_on(PAGE);
}
