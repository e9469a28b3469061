//! What a metrics system hears of an executor.

use std::{collections::BTreeMap, time::Duration};

use taskbox_executor::TaskError;
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    recorder::heard,
    support::{builder, connect, ready, until},
};

taskbox_test_support::suite! {
    attempts_are_counted_and_timed_by_name_and_outcome,
    what_waits_is_told_by_queue_until_nothing_does,
}

/// By the metric and the value of the second label, what was heard where the first label has this value.
fn heard_of(label: &str, value: &str, and: &str) -> BTreeMap<(String, String), f64> {
    let heard = heard().into_iter();
    let own =
        heard.filter(|((_, labels), _)| labels.get(label).is_some_and(|found| found == value));
    own.map(|((metric, labels), said)| {
        ((metric, labels.get(and).cloned().unwrap_or_default()), said)
    })
    .collect()
}

async fn attempts_are_counted_and_timed_by_name_and_outcome(db: &TestDatabase) {
    let dal = connect(db).await;
    let name = Uuid::now_v7().to_string();
    heard();
    let executor = builder(&dal).task(&name, async |_ctx, succeeds: bool| {
        if succeeds {
            Ok(())
        } else {
            Err(TaskError::fail("no"))
        }
    });
    let executor = executor.build().unwrap().start();
    for (succeeds, times, end) in [
        (true, 2, TaskStatus::Completed),
        (false, 1, TaskStatus::Failed),
    ] {
        for _ in 0..times {
            let new = NewTaskExecution::standalone(&name).input(succeeds);
            let task = ready(&dal, new).await;
            until(&dal, task, end).await;
        }
    }
    executor.stop().await.unwrap();
    let expected = ["taskbox_attempt_seconds", "taskbox_attempts_total"];
    let expected = expected.into_iter().flat_map(|metric| {
        [("completed", 2.0), ("failed", 1.0)]
            .map(|(outcome, times)| ((metric.to_owned(), outcome.to_owned()), times))
    });
    assert_eq!(heard_of("task_name", &name, "outcome"), expected.collect());
}

async fn what_waits_is_told_by_queue_until_nothing_does(db: &TestDatabase) {
    let dal = connect(db).await;
    heard();
    let queue = Uuid::now_v7().to_string();
    let new = || NewTaskExecution::standalone("a").queue(&queue);
    let tasks = [ready(&dal, new()).await, ready(&dal, new()).await];
    let executor = builder(&dal)
        .watch_queues(Duration::from_millis(1))
        .queue("another", 1)
        .task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    let until = async |of: f64| loop {
        let heard = heard_of("queue", &queue, "");
        let of_metric = |metric: &str| heard.get(&(metric.to_owned(), String::new())).copied();
        let oldest = of_metric("taskbox_oldest_ready_seconds");
        if of_metric("taskbox_ready_tasks") == Some(of)
            && oldest.is_some_and(|age| (age > 0.0) == (of > 0.0))
        {
            return;
        }
        tokio::task::yield_now().await;
    };
    until(2.0).await;
    dal.task_execution().cancel(tasks[0]).await.unwrap();
    until(1.0).await;
    dal.task_execution().cancel(tasks[1]).await.unwrap();
    until(0.0).await;
    executor.stop().await.unwrap();
}
