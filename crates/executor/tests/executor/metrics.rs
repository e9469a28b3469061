//! What a metrics system hears of an executor.

use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use taskbox_executor::TaskError;
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{builder, connect, ready, until};

taskbox_test_support::suite! {
    attempts_are_counted_and_timed_by_name_and_outcome,
}

/// The program's one recorder, which all tests share, and all that it has heard of attempts.
fn attempts(task_name: &str) -> BTreeMap<(String, String), u64> {
    static RECORDER: OnceLock<Snapshotter> = OnceLock::new();
    static HEARD: Mutex<BTreeMap<(String, String, String), u64>> = Mutex::new(BTreeMap::new());
    let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = RECORDER.get_or_init(|| {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        recorder.install().unwrap();
        snapshotter
    });
    // A snapshot takes what it shows.
    for (key, _, _, value) in recorder.snapshot().into_vec() {
        let label = |name| key.key().labels().find(|label| label.key() == name);
        let (Some(task), Some(outcome)) = (label("task_name"), label("outcome")) else {
            continue;
        };
        let metric = (
            task.value().to_owned(),
            key.key().name().to_owned(),
            outcome.value().to_owned(),
        );
        let times = match value {
            DebugValue::Counter(times) => times,
            DebugValue::Histogram(times) => times.len() as u64,
            DebugValue::Gauge(_) => 0,
        };
        *heard.entry(metric).or_default() += times;
    }
    let own = heard.iter().filter(|((task, ..), _)| task == task_name);
    own.map(|((_, metric, outcome), times)| ((metric.clone(), outcome.clone()), *times))
        .collect()
}

async fn attempts_are_counted_and_timed_by_name_and_outcome(db: &TestDatabase) {
    let dal = connect(db).await;
    let name = Uuid::now_v7().to_string();
    attempts(&name);
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
        [("completed", 2), ("failed", 1)]
            .map(|(outcome, times)| ((metric.to_owned(), outcome.to_owned()), times))
    });
    assert_eq!(attempts(&name), expected.collect());
}
