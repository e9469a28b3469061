//! What the module for the tests of programs promises.

#![cfg(feature = "testing")]

use std::time::Duration;

use serde_json::json;
use taskbox_executor::{Pipeline, TaskContext, TaskError, testing::TestDatabase};
use taskbox_models::{NewTaskExecution, PipelineStatus, TaskStatus};

#[tokio::test]
async fn a_task_is_run_with_all_that_follows_from_it() {
    let test = TestDatabase::new().await.unwrap();
    let executor = test
        .executor()
        .task("add", async |ctx: TaskContext, number: i64| {
            let outputs = ctx.dependency_outputs().await?;
            let before: i64 = outputs
                .iter()
                .filter_map(|it| it.output.as_ref()?.as_i64())
                .sum();
            Ok(before + number)
        });
    let sum = Pipeline::new("sum")
        .task("add", 1)
        .named("one")
        .task("add", 2)
        .after(["one"]);
    let started = sum.start(test.dal()).await.unwrap();
    test.run_until_drained(executor).await.unwrap();
    let pipelines = test.dal().pipeline_execution();
    let ended = pipelines.get(started.pipeline_execution_id).await.unwrap();
    assert_eq!(ended.status, PipelineStatus::Completed);
    let last = started.tasks["add"];
    let last = test.dal().task_execution().get(last).await.unwrap();
    assert_eq!(last.output, Some(json!(3)));
}

#[tokio::test]
async fn every_attempt_of_a_task_is_made() {
    let test = TestDatabase::new().await.unwrap();
    let executor = test.executor().task("fail", async |_ctx, (): ()| {
        Err::<(), _>(TaskError::retry("no"))
    });
    let new = NewTaskExecution::standalone("fail").max_attempts(3);
    let task = test.run_task(executor, new).await.unwrap();
    assert_eq!((task.status, task.attempt), (TaskStatus::Failed, 3));
}

#[tokio::test]
async fn what_waits_for_later_is_left() {
    let test = TestDatabase::new().await.unwrap();
    let later = Duration::from_hours(1);
    let executor = test.executor().task("defer", async move |_ctx, (): ()| {
        Err::<(), _>(TaskError::defer(later))
    });
    let new = NewTaskExecution::standalone("defer");
    let task = test.run_task(executor, new).await.unwrap();
    assert_eq!((task.status, task.attempt), (TaskStatus::Scheduled, 0));
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let [one, other] = [
        TestDatabase::new().await.unwrap(),
        TestDatabase::new().await.unwrap(),
    ];
    let new = NewTaskExecution::standalone("a");
    let task = one.dal().task_execution().create(new).await.unwrap();
    assert!(other.dal().task_execution().get(task.id).await.is_err());
}
