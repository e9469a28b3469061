//! Which trace a task was made in.

use std::collections::HashMap;

use taskbox_dal::{DAL, Error, limits::MAX_TRACE_CONTEXT};
use taskbox_models::{NewTaskExecution, TraceContext};
use taskbox_test_support::TestDatabase;

use crate::support::{connect::connect, refusal::assert_refused};

taskbox_test_support::suite! {
    a_task_keeps_the_trace_that_it_is_given,
    whoever_claims_a_task_has_its_trace,
    tasks_without_a_trace_get_the_one_that_goes_on,
    a_trace_that_cannot_be_kept_is_refused,
    a_trace_that_goes_on_and_cannot_be_kept_is_left_out,
}

fn trace(traceparent: &str) -> TraceContext {
    HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]).into()
}

fn new() -> NewTaskExecution {
    NewTaskExecution::standalone("a")
}

async fn a_task_keeps_the_trace_that_it_is_given(db: &TestDatabase) {
    let dal = connect(db).await;
    let given = [new().trace_context(trace("00-1")), new()];
    let made = dal
        .task_execution()
        .create_many(given.into())
        .await
        .unwrap();
    assert_eq!(made[0].trace_context, Some(trace("00-1")));
    assert_eq!(made[1].trace_context, None);
    for task in made {
        assert_eq!(dal.task_execution().get(task.id).await.unwrap(), task);
    }
}

async fn whoever_claims_a_task_has_its_trace(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    for given in [Some(trace("00-1")), None] {
        let mut task = new();
        task.trace_context.clone_from(&given);
        let task = dal.task_execution().create(task).await.unwrap();
        dal.task_execution().mark_ready(task.id).await.unwrap();
        let claims = dal.task_execution().claim(&worker, 9).await.unwrap();
        assert_eq!(claims[0].trace_context(), given.as_ref());
    }
}

async fn tasks_without_a_trace_get_the_one_that_goes_on(db: &TestDatabase) {
    let builder = DAL::builder(db.url()).trace_context(|| Some(trace("00-2")));
    let dal = builder.connect().await.unwrap();
    let given = vec![new().trace_context(trace("00-1")), new()];
    let made = dal
        .transaction(async |tx| tx.task_execution().create_many(given).await)
        .await;
    let traces: Vec<_> = made
        .unwrap()
        .into_iter()
        .map(|task| task.trace_context)
        .collect();
    assert_eq!(traces, [Some(trace("00-1")), Some(trace("00-2"))]);
    for nothing in [None, Some(TraceContext::default())] {
        let builder = DAL::builder(db.url()).trace_context(move || nothing.clone());
        let task = builder
            .connect()
            .await
            .unwrap()
            .task_execution()
            .create(new())
            .await;
        assert_eq!(task.unwrap().trace_context, None);
    }
}

fn endless() -> TraceContext {
    trace(&"x".repeat(MAX_TRACE_CONTEXT))
}

async fn a_trace_that_cannot_be_kept_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let around = r#"{"traceparent":""}"#.len();
    let (size, most) = (MAX_TRACE_CONTEXT + around, MAX_TRACE_CONTEXT);
    for (hostile, problem) in [
        (
            endless(),
            format!("has {size} bytes; the longest has {most}"),
        ),
        (
            trace("a\0"),
            "has a NUL character at byte 1, which databases cannot keep".to_owned(),
        ),
    ] {
        let made = dal.task_execution().create(new().trace_context(hostile));
        let what = "trace_context";
        assert_refused(db, made, Error::InvalidInput { what, problem }).await;
    }
    let longest = trace(&"x".repeat(MAX_TRACE_CONTEXT - around));
    let task = dal
        .task_execution()
        .create(new().trace_context(longest.clone()))
        .await;
    assert_eq!(task.unwrap().trace_context, Some(longest));
}

async fn a_trace_that_goes_on_and_cannot_be_kept_is_left_out(db: &TestDatabase) {
    let builder = DAL::builder(db.url()).trace_context(|| Some(endless()));
    let dal = builder.connect().await.unwrap();
    let task = dal.task_execution().create(new()).await.unwrap();
    assert_eq!(task.trace_context, None);
}
