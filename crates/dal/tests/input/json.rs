//! Inputs and outputs.

use serde_json::{Value, json};
use taskbox_dal::limits::{MAX_JSON, MAX_JSON_DEPTH};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;

use crate::{
    run::run,
    scene::{Scene, assert_each},
};

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!(1), |inner, _| Value::Array(vec![inner]))
}

/// Takes a document apart level by level: dropped as it is, a deep one would need a deep stack.
fn take_apart(mut value: Value) {
    while let Value::Array(mut items) = value {
        value = items.pop().unwrap_or_default();
    }
}

pub(crate) async fn json_that_cannot_be_kept_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let documents: [&(dyn Fn() -> Value + Sync); 5] = [
        &|| json!("a\0"),
        &|| json!({"a": [{"\0": 1}]}),
        &|| nested(MAX_JSON_DEPTH + 1),
        &|| nested(100_000),
        &|| json!("x".repeat(MAX_JSON)),
    ];
    for json in documents {
        let (tasks, claim) = (|| scene.dal.task_execution(), &scene.claim);
        let new = move || NewTaskExecution::standalone("a").input(json());
        let calls = calls! {
            "task_execution.create": tasks().create(new()),
            "task_execution.create_many": tasks().create_many(vec![new(), new()]),
        };
        assert_each(db, calls, "invalid input").await;
        let calls = calls! {
            "task_execution.complete": tasks().complete(claim, Some(json())),
        };
        assert_each(db, calls, "invalid output").await;
        let mut completed = [(claim.clone(), None), (claim.clone(), Some(json()))];
        let all = &completed;
        let calls = calls! {
            "task_execution.complete_many": tasks().complete_many(all),
        };
        assert_each(db, calls, "invalid output").await;
        take_apart(completed[1].1.take().unwrap());
    }
}

/// Numbers at the ends of what a document can have, and texts that look like what they are not.
pub(crate) async fn json_comes_back_as_it_went_in(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let tasks = || scene.dal.task_execution();
    for value in [
        json!(null),
        json!([u64::MAX, i64::MIN, i64::MAX, 0]),
        json!([f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 0.1, 1e300]),
        json!({"": "\\u0000 \u{1} \u{7f} \u{1f525} \u{feff}", "a\u{300}": "'\"\\"}),
        json!({"$serde_json::private::Number": "1"}),
        nested(MAX_JSON_DEPTH),
        json!("x".repeat(10_000_000)),
    ] {
        let new = NewTaskExecution::standalone("a").input(value.clone());
        let (_, claim) = run(&scene.dal, new).await;
        assert_eq!(claim.input(), Some(&value));
        let output = Some(value.clone());
        tasks().complete(&claim, output.clone()).await.unwrap();
        let task = tasks().get(claim.task_execution_id()).await.unwrap();
        assert_eq!((task.input, task.output), (Some(value), output));
    }
}
