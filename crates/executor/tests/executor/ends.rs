//! How an attempt ends.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use taskbox_executor::{RetryPolicy, TaskContext, TaskError};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::{TestDatabase, canary::PAYLOAD};

use crate::support::{NEVER, builder, connect, ended, errors, events, get, ready, until};

taskbox_test_support::suite! {
    an_output_is_kept,
    a_handler_may_need_no_input_and_have_no_output,
    an_error_is_tried_again_until_the_attempts_are_used_up,
    an_error_waits_for_the_delay_of_the_policy,
    an_error_for_good_leaves_no_attempt,
    a_task_that_is_put_off_keeps_its_attempt,
    a_panic_is_a_failed_attempt_with_its_message,
    input_that_does_not_parse_fails_its_task_alone,
    output_that_cannot_be_kept_fails_its_task_alone,
    tasks_that_nobody_knows_are_put_off_and_hold_up_none,
    a_handler_is_given_what_its_task_is,
}

const AT_ONCE: RetryPolicy = RetryPolicy::constant(Duration::ZERO);

#[derive(Deserialize, Serialize)]
struct Add {
    left: i32,
    right: i32,
}

async fn add(_ctx: TaskContext, add: Add) -> Result<i32, TaskError> {
    let sum = add.left.checked_add(add.right);
    sum.ok_or_else(|| TaskError::fail("too much"))
}

async fn an_output_is_kept(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewTaskExecution::standalone("add").input(json!({"left": 3, "right": 4}));
    let task = ready(&dal, new).await;
    let executor = builder(&dal).task("add", add).build().unwrap().start();
    let found = until(&dal, task, TaskStatus::Completed).await;
    assert_eq!((found.output, found.attempt), (Some(json!(7)), 1));
    executor.stop().await.unwrap();
}

async fn a_handler_may_need_no_input_and_have_no_output(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("nothing")).await;
    let executor = builder(&dal).task("nothing", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    let found = until(&dal, task, TaskStatus::Completed).await;
    assert_eq!(found.output, None);
    executor.stop().await.unwrap();
}

async fn an_error_is_tried_again_until_the_attempts_are_used_up(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("parse").max_attempts(3)).await;
    let executor = builder(&dal)
        .retry(AT_ONCE)
        .task("parse", async |ctx: TaskContext, (): ()| {
            let number: i32 = format!("attempt {}", ctx.attempt()).parse()?;
            Ok(number)
        });
    let executor = executor.build().unwrap().start();
    let found = ended(&dal, task).await;
    assert_eq!((found.status, found.attempt), (TaskStatus::Failed, 3));
    assert_eq!(
        errors(&dal, task).await,
        ["invalid digit found in string"; 3]
    );
    executor.stop().await.unwrap();
}

async fn an_error_waits_for_the_delay_of_the_policy(db: &TestDatabase) {
    let dal = connect(db).await;
    let by_policy = ready(&dal, NewTaskExecution::standalone("policy")).await;
    let by_error = ready(&dal, NewTaskExecution::standalone("error")).await;
    let executor = builder(&dal)
        .retry(RetryPolicy::constant(NEVER))
        .task("policy", async |_ctx, (): ()| {
            Err::<(), _>(TaskError::retry(PAYLOAD))
        })
        .task("error", async |_ctx, (): ()| {
            Err::<(), _>(TaskError::retry_after(2 * NEVER, PAYLOAD))
        });
    let executor = executor.build().unwrap().start();
    until(&dal, by_policy, TaskStatus::Scheduled).await;
    until(&dal, by_error, TaskStatus::Scheduled).await;
    let next = dal.task_execution().next_due().await.unwrap().unwrap();
    assert!(next <= NEVER && next > NEVER / 2, "{next:?}");
    dal.task_execution().cancel(by_policy).await.unwrap();
    let next = dal.task_execution().next_due().await.unwrap().unwrap();
    assert!(next > NEVER, "{next:?}");
    executor.stop().await.unwrap();
}

async fn an_error_for_good_leaves_no_attempt(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewTaskExecution::standalone("add").input(json!({"left": i32::MAX, "right": 1}));
    let task = ready(&dal, new).await;
    let executor = builder(&dal).task("add", add).build().unwrap().start();
    let found = ended(&dal, task).await;
    assert_eq!((found.status, found.attempt), (TaskStatus::Failed, 1));
    assert_eq!(errors(&dal, task).await, ["too much"]);
    executor.stop().await.unwrap();
}

async fn a_task_that_is_put_off_keeps_its_attempt(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("later")).await;
    let executor = builder(&dal).task("later", async |ctx: TaskContext, (): ()| {
        match ctx.epoch() {
            1 => Err(TaskError::defer(Duration::from_millis(1))),
            _ => Ok(ctx.attempt()),
        }
    });
    let executor = executor.build().unwrap().start();
    let found = until(&dal, task, TaskStatus::Completed).await;
    assert_eq!((found.output, found.epoch), (Some(json!(1)), 2));
    executor.stop().await.unwrap();
}

async fn a_panic_is_a_failed_attempt_with_its_message(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("panic").max_attempts(2)).await;
    let executor = builder(&dal)
        .retry(AT_ONCE)
        .task("panic", async |ctx: TaskContext, (): ()| {
            assert!(ctx.attempt() > 2, "attempt {} is too early", ctx.attempt());
            Ok(())
        });
    let executor = executor.build().unwrap().start();
    assert_eq!(ended(&dal, task).await.status, TaskStatus::Failed);
    let expected = [
        "panicked: attempt 1 is too early",
        "panicked: attempt 2 is too early",
    ];
    assert_eq!(errors(&dal, task).await, expected);
    executor.stop().await.unwrap();
}

async fn input_that_does_not_parse_fails_its_task_alone(db: &TestDatabase) {
    let dal = connect(db).await;
    let bad = ready(
        &dal,
        NewTaskExecution::standalone("add").input(json!({"left": 3})),
    )
    .await;
    let none = ready(&dal, NewTaskExecution::standalone("add")).await;
    let good = NewTaskExecution::standalone("add").input(json!({"left": 3, "right": 4}));
    let good = ready(&dal, good).await;
    let executor = builder(&dal).task("add", add).build().unwrap().start();
    until(&dal, good, TaskStatus::Completed).await;
    for task in [bad, none] {
        let found = ended(&dal, task).await;
        assert_eq!((found.status, found.attempt), (TaskStatus::Failed, 1));
    }
    let expected = ["its input is not what the handler takes: missing field `right`"];
    assert_eq!(errors(&dal, bad).await, expected);
    executor.stop().await.unwrap();
}

/// They end together, so that they are written together.
async fn output_that_cannot_be_kept_fails_its_task_alone(db: &TestDatabase) {
    let dal = connect(db).await;
    let good = ready(&dal, NewTaskExecution::standalone("echo").input(PAYLOAD)).await;
    let bad = ready(&dal, NewTaskExecution::standalone("echo").input("bad")).await;
    let together = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    let executor = builder(&dal).task("echo", async move |_ctx, word: String| {
        together.wait().await;
        Ok(if word == "bad" { "\0".to_owned() } else { word })
    });
    let executor = executor.build().unwrap().start();
    until(&dal, good, TaskStatus::Completed).await;
    assert_eq!(ended(&dal, bad).await.status, TaskStatus::Failed);
    let errors = errors(&dal, bad).await;
    assert!(
        errors[0].starts_with("how the attempt ended cannot be kept: output"),
        "{errors:?}"
    );
    executor.stop().await.unwrap();
}

async fn tasks_that_nobody_knows_are_put_off_and_hold_up_none(db: &TestDatabase) {
    let dal = connect(db).await;
    let unknown = NewTaskExecution::standalone("unknown").priority(9);
    let unknown = [
        ready(&dal, unknown.clone()).await,
        ready(&dal, unknown).await,
    ];
    let known = ready(&dal, NewTaskExecution::standalone("known")).await;
    let executor = builder(&dal)
        .concurrency(1)
        .task("known", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    until(&dal, known, TaskStatus::Completed).await;
    for task in unknown {
        let found = until(&dal, task, TaskStatus::Scheduled).await;
        assert_eq!((found.attempt, found.epoch), (0, 1));
        assert_eq!(events(&dal, task).await.last(), Some(&"task_deferred"));
    }
    executor.stop().await.unwrap();
}

async fn a_handler_is_given_what_its_task_is(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("who")).await;
    let executor = builder(&dal).task("who", async |ctx: TaskContext, (): ()| {
        let of_a_pipeline = ctx.pipeline_execution_id().is_some();
        let numbers = (
            ctx.attempt(),
            ctx.epoch(),
            ctx.cancellation().is_cancelled(),
        );
        Ok((
            ctx.task_execution_id(),
            ctx.task_name().to_owned(),
            of_a_pipeline,
            numbers,
        ))
    });
    let executor = executor.build().unwrap().start();
    until(&dal, task, TaskStatus::Completed).await;
    let expected = json!([task, "who", false, [1, 1, false]]);
    assert_eq!(get(&dal, task).await.output, Some(expected));
    executor.stop().await.unwrap();
}
