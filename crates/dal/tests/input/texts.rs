//! Names, errors and reasons.

use std::time::Duration;

use taskbox_dal::limits::{MAX_NAME, MAX_TEXT};
use taskbox_models::{NewPipelineExecution, NewTaskExecution};
use taskbox_test_support::TestDatabase;

use crate::scene::{Call, Scene, assert_each};

const NOW: Duration = Duration::ZERO;

/// Each place for a name, by what the error calls it.
fn names<'a>(scene: &'a Scene, name: &'a str) -> [(&'static str, Vec<Call<'a>>); 3] {
    let tasks = || scene.dal.task_execution();
    let named = NewTaskExecution::standalone(name);
    let queued = NewTaskExecution::standalone("a").queue(name);
    let good = NewTaskExecution::standalone("a");
    let (second_named, second_queued) = (
        vec![good.clone(), named.clone()],
        vec![good, queued.clone()],
    );
    let new = NewPipelineExecution::new(name);
    [
        (
            "task_name",
            calls! {
                "task_execution.create": tasks().create(named),
                "task_execution.create_many": tasks().create_many(second_named),
            },
        ),
        (
            "queue",
            calls! {
                "task_execution.create": tasks().create(queued),
                "task_execution.create_many": tasks().create_many(second_queued),
                "task_execution.claim_from": async {
                    tasks().claim_from(&scene.worker, &["default", name], 0).await
                },
            },
        ),
        (
            "name",
            calls! {
                "pipeline_execution.create": scene.dal.pipeline_execution().create(new),
                "worker.register": scene.dal.worker().register(name),
            },
        ),
    ]
}

/// Each place for an error or a reason.
fn texts<'a>(scene: &'a Scene, text: &'a str) -> [(&'static str, Vec<Call<'a>>); 2] {
    let (tasks, claim) = (|| scene.dal.task_execution(), &scene.claim);
    let failed = vec![(claim.clone(), text.to_owned())];
    let retried = vec![(claim.clone(), text.to_owned(), NOW)];
    [
        (
            "error",
            calls! {
                "task_execution.fail": tasks().fail(claim, text),
                "task_execution.fail_many": async move { tasks().fail_many(&failed).await },
                "task_execution.schedule_retry": tasks().schedule_retry(claim, text, NOW),
                "task_execution.schedule_retry_many": async move {
                    tasks().schedule_retry_many(&retried).await
                },
            },
        ),
        (
            "reason",
            calls! {
                "task_execution.skip": tasks().skip(scene.task, text),
                "pipeline_execution.pause": scene.dal.pipeline_execution().pause(scene.pipeline, text),
            },
        ),
    ]
}

pub(crate) async fn a_nul_character_is_refused_wherever_it_is(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    for text in ["\0", "a\0", "\0a", "\u{1f525}\0"] {
        for (what, calls) in names(&scene, text).into_iter().chain(texts(&scene, text)) {
            assert_each(db, calls, &format!("invalid {what}")).await;
        }
    }
}

pub(crate) async fn a_name_is_neither_empty_nor_endless(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let endless = "x".repeat(10_000_000);
    // In bytes: as many characters as would fit are too many.
    let wide = "\u{e9}".repeat(MAX_NAME / 2 + 1);
    for name in ["", &"x".repeat(MAX_NAME + 1), &wide, &endless] {
        for (what, calls) in names(&scene, name) {
            assert_each(db, calls, &format!("invalid {what}")).await;
        }
    }
    for name in [
        " ",
        "'; DROP TABLE task_executions; --",
        &"x".repeat(MAX_NAME),
    ] {
        for (_, calls) in names(&scene, name) {
            for call in calls {
                let answer = call.answer.await.unwrap();
                let kept = answer.contains(name) || call.name == "task_execution.claim_from";
                assert!(kept, "{}: {answer}", call.name);
            }
        }
    }
}

pub(crate) async fn an_endless_error_or_reason_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    for text in ["x".repeat(100_000_000), "x".repeat(MAX_TEXT + 1)] {
        for (what, calls) in texts(&scene, &text) {
            assert_each(db, calls, &format!("invalid {what}")).await;
        }
    }
    let longest = "x".repeat(MAX_TEXT);
    let tasks = || scene.dal.task_execution();
    tasks().skip(scene.task, &longest).await.unwrap();
    tasks().fail(&scene.claim, &longest).await.unwrap();
    let task = scene.claim.task_execution_id();
    let events = scene
        .dal
        .execution_event()
        .list_by_task(task)
        .await
        .unwrap();
    let data = events.last().unwrap().event_data.as_ref().unwrap();
    assert_eq!(data["error"], longest);
}
