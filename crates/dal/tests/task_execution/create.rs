//! Making one task: what is kept, and what cannot be.

use serde_json::{Value, json};
use taskbox_dal::Error;
use taskbox_models::{NewTaskExecution, RunWhen, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{connect::connect, pipeline::pipeline, refusal::assert_refused};

taskbox_test_support::suite! {
    a_task_is_made_as_it_was_described,
    a_task_has_the_defaults_that_are_documented,
    the_largest_values_are_kept,
    an_input_reads_back_as_it_was,
    a_name_that_cannot_be_kept_is_refused,
    a_number_of_attempts_below_one_is_refused,
    an_input_that_cannot_be_kept_is_refused,
}

async fn a_task_is_made_as_it_was_described(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    let id = Uuid::now_v7();
    let new = NewTaskExecution::new(pipeline, "fetch")
        .id(id)
        .input(json!({"url": "https://example.org"}))
        .max_attempts(7)
        .queue("mail")
        .priority(-3);
    let task = dal.task_execution().create(new).await.unwrap();
    assert_eq!(task.id, id);
    assert_eq!(task.pipeline_execution_id, Some(pipeline));
    assert_eq!(task.task_name, "fetch");
    assert_eq!(task.input, Some(json!({"url": "https://example.org"})));
    assert_eq!((task.max_attempts, task.priority), (7, -3));
    assert_eq!(task.queue, "mail");
    assert_eq!(dal.task_execution().get(id).await.unwrap(), task);
}

async fn a_task_has_the_defaults_that_are_documented(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewTaskExecution::standalone("mail");
    let task = dal.task_execution().create(new).await.unwrap();
    assert_eq!(task.id.get_version_num(), 7);
    assert_eq!(task.status, TaskStatus::NotStarted);
    assert_eq!(task.pipeline_execution_id, None);
    assert_eq!((task.queue.as_str(), task.priority), ("default", 0));
    assert_eq!((task.attempt, task.max_attempts), (0, 5));
    assert_eq!((task.recoveries, task.epoch), (0, 0));
    assert_eq!(task.run_when, RunWhen::AllCompleted);
    assert_eq!(task.open_dependencies, 0);
    assert_eq!((&task.input, &task.output), (&None, &None));
    assert_eq!(dal.task_execution().get(task.id).await.unwrap(), task);
}

async fn the_largest_values_are_kept(db: &TestDatabase) {
    let dal = connect(db).await;
    let name = "é".repeat(127) + "x";
    for priority in [i32::MIN, i32::MAX] {
        let new = NewTaskExecution::standalone(&name)
            .queue(&name)
            .priority(priority)
            .max_attempts(i32::MAX);
        let task = dal.task_execution().create(new).await.unwrap();
        let task = dal.task_execution().get(task.id).await.unwrap();
        assert_eq!((&task.task_name, &task.queue), (&name, &name));
        assert_eq!((task.priority, task.max_attempts), (priority, i32::MAX));
    }
}

async fn an_input_reads_back_as_it_was(db: &TestDatabase) {
    let dal = connect(db).await;
    let inputs = [
        Value::Null,
        json!(false),
        json!(""),
        json!([]),
        json!({}),
        json!([i64::MIN, u64::MAX, 0.1, 5e-324, 1.797_693_134_862_315_7e308]),
        json!({"": "π 🦀 \" \\ ' $1 ? \u{1} \u{7f}", "a": [{"b": null}]}),
        nested(100),
    ];
    for input in inputs {
        let new = NewTaskExecution::standalone("a").input(input.clone());
        let task = dal.task_execution().create(new).await.unwrap();
        assert_eq!(task.input.as_ref(), Some(&input));
        let read = dal.task_execution().get(task.id).await.unwrap();
        assert_eq!(read.input, Some(input));
    }
}

/// A document of so many levels.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!(1), |inner, _| Value::Array(vec![inner]))
}

async fn a_name_that_cannot_be_kept_is_refused(db: &TestDatabase) {
    let names = [
        (String::new(), "is empty"),
        ("x".repeat(256), "has 256 bytes; the longest has 255"),
        (
            "a\0b".to_owned(),
            "has a NUL character at byte 1, which databases cannot keep",
        ),
    ];
    for (name, problem) in names {
        let task = NewTaskExecution::standalone(&name);
        is_invalid(db, task, "task_name", problem).await;
        let task = NewTaskExecution::standalone("a").queue(&name);
        is_invalid(db, task, "queue", problem).await;
    }
}

async fn a_number_of_attempts_below_one_is_refused(db: &TestDatabase) {
    for attempts in [i32::MIN, -1, 0] {
        let task = NewTaskExecution::standalone("a").max_attempts(attempts);
        let problem = format!("is {attempts}; give 1 or more");
        is_invalid(db, task, "max_attempts", &problem).await;
    }
}

async fn an_input_that_cannot_be_kept_is_refused(db: &TestDatabase) {
    let nul = "has a NUL character at byte 1, which databases cannot keep";
    let inputs = [
        (json!({"a": ["b\0"]}), nul),
        (json!({"a\0": 1}), nul),
        (nested(101), "nests deeper than 100 levels"),
    ];
    for (input, problem) in inputs {
        let task = NewTaskExecution::standalone("a").input(input);
        is_invalid(db, task, "input", problem).await;
    }
}

/// Refused also together with a task that nothing is wrong with, which is not made either.
async fn is_invalid(db: &TestDatabase, task: NewTaskExecution, what: &'static str, problem: &str) {
    let dal = connect(db).await;
    let expected = || Error::InvalidInput {
        what,
        problem: problem.to_owned(),
    };
    let one = dal.task_execution().create(task.clone());
    assert_refused(db, one, expected()).await;
    let both = vec![NewTaskExecution::standalone("a"), task];
    assert_refused(db, dal.task_execution().create_many(both), expected()).await;
}
