//! The program's own writes and the completion, in one transaction.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use taskbox_executor::{Pipeline, RetryPolicy, TaskContext, TaskError};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use tokio::sync::{Notify, mpsc};

use crate::support::{
    NEVER, builder, connect, connect_hasty, errors, expire_and_sweep, get, ledger, ready, until,
};

taskbox_test_support::suite! {
    what_is_written_is_there_with_the_completion,
    an_error_in_the_closure_leaves_nothing,
    output_that_cannot_be_kept_leaves_nothing,
    what_the_handler_returns_after_it_changes_nothing,
    one_who_lost_the_task_writes_nothing,
    what_it_releases_is_not_waited_for,
}

const AT_ONCE: RetryPolicy = RetryPolicy::constant(Duration::ZERO);

async fn what_is_written_is_there_with_the_completion(db: &TestDatabase) {
    ledger::create(db).await;
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("pay")).await;
    let executor = builder(&dal).task("pay", async |ctx: TaskContext, (): ()| {
        ctx.complete_in(async |tx| {
            ledger::enter(tx, &ctx).await?;
            Ok("paid")
        })
        .await
    });
    let executor = executor.build().unwrap().start();
    let found = until(&dal, task, TaskStatus::Completed).await;
    assert_eq!((found.output, found.attempt), (Some(json!("paid")), 1));
    assert_eq!(ledger::rows(db).await, 1);
    executor.stop().await.unwrap();
}

async fn an_error_in_the_closure_leaves_nothing(db: &TestDatabase) {
    ledger::create(db).await;
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("pay")).await;
    let executor = builder(&dal)
        .retry(AT_ONCE)
        .task("pay", async |ctx: TaskContext, (): ()| {
            ctx.complete_in(async |tx| {
                ledger::enter(tx, &ctx).await?;
                if ctx.attempt() == 1 {
                    return Err(TaskError::retry("no money"));
                }
                Ok(())
            })
            .await
        });
    let executor = executor.build().unwrap().start();
    until(&dal, task, TaskStatus::Completed).await;
    assert_eq!(ledger::rows(db).await, 1);
    assert_eq!(errors(&dal, task).await, ["no money"]);
    executor.stop().await.unwrap();
}

async fn output_that_cannot_be_kept_leaves_nothing(db: &TestDatabase) {
    ledger::create(db).await;
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("pay").max_attempts(1)).await;
    let executor = builder(&dal).task("pay", async |ctx: TaskContext, (): ()| {
        ctx.complete_in(async |tx| {
            ledger::enter(tx, &ctx).await?;
            Ok("\0")
        })
        .await
    });
    let executor = executor.build().unwrap().start();
    until(&dal, task, TaskStatus::Failed).await;
    assert_eq!(ledger::rows(db).await, 0);
    executor.stop().await.unwrap();
}

async fn what_the_handler_returns_after_it_changes_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("pay")).await;
    let (said, mut hears) = mpsc::channel(1);
    let executor =
        builder(&dal)
            .retry(AT_ONCE)
            .task("pay", async move |ctx: TaskContext, (): ()| {
                ctx.complete_in(async |_tx| Ok(())).await?;
                said.send(()).await?;
                Err::<(), _>(TaskError::retry("too late"))
            });
    let executor = executor.build().unwrap().start();
    hears.recv().await.unwrap();
    executor.stop().await.unwrap();
    let found = get(&dal, task).await;
    assert_eq!((found.status, found.attempt), (TaskStatus::Completed, 1));
    assert!(errors(&dal, task).await.is_empty());
}

/// The first attempt goes on after its task was taken back and given to another executor.
async fn one_who_lost_the_task_writes_nothing(db: &TestDatabase) {
    ledger::create(db).await;
    let frozen = connect_hasty(db, NEVER).await;
    let task = ready(&frozen, NewTaskExecution::standalone("pay")).await;
    let (said, mut hears) = mpsc::unbounded_channel();
    let thaw = Arc::new(Notify::new());
    let thawed = Arc::clone(&thaw);
    let handler = async move |ctx: TaskContext, (): ()| {
        if ctx.epoch() == 1 {
            said.send("frozen".to_owned())?;
            thawed.notified().await;
        }
        let paid = ctx
            .complete_in(async |tx| ledger::enter(tx, &ctx).await.map_err(Into::into))
            .await;
        if let Err(error) = &paid {
            said.send(error.to_string())?;
        }
        paid
    };
    let first = builder(&frozen)
        .task("pay", handler.clone())
        .build()
        .unwrap()
        .start();
    assert_eq!(hears.recv().await.unwrap(), "frozen");
    let dal = connect(db).await;
    expire_and_sweep(db, &dal).await;
    let second = builder(&dal).task("pay", handler).build().unwrap().start();
    until(&dal, task, TaskStatus::Completed).await;
    thaw.notify_one();
    let error = hears.recv().await.unwrap();
    assert!(error.contains("the lease is lost on task"), "{error}");
    assert_eq!(ledger::rows(db).await, 1);
    assert_eq!(get(&dal, task).await.epoch, 2);
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

async fn what_it_releases_is_not_waited_for(db: &TestDatabase) {
    let dal = connect(db).await;
    let executor = builder(&dal)
        .poll_interval(NEVER)
        .task("pay", async |ctx: TaskContext, (): ()| {
            ctx.complete_in(async |_tx| Ok(())).await
        });
    let executor = executor.build().unwrap().start();
    let mut pipeline = Pipeline::new("chain").task("pay", ()).named("0");
    for number in 1..20 {
        let before = (number - 1).to_string();
        pipeline = pipeline
            .task("pay", ())
            .named(number.to_string())
            .after([before.as_str()]);
    }
    let started = pipeline.start(&dal).await.unwrap();
    until(&dal, started.tasks["19"], TaskStatus::Completed).await;
    executor.stop().await.unwrap();
}
