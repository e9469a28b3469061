//! A password and a payload that must show nowhere: not in an error, a `Debug`, a panic, or anything that is logged.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod trouble;

use std::time::Duration;

use taskbox_dal::{DAL, Error, Result};
use taskbox_models::{ExecutionEvent, NewPipelineExecution, NewTaskExecution};
use taskbox_test_support::{
    TestDatabase,
    canary::{PASSWORD_IN_URL, PAYLOAD, hear, hear_error},
};
use tokio::task::JoinSet;

taskbox_test_support::suite! {
    both: [
        nothing_that_goes_wrong_shows_the_payload,
        no_row_shows_what_is_its_users,
    ],
    postgres: [no_connection_shows_its_password],
}

async fn nothing_that_goes_wrong_shows_the_payload(db: &TestDatabase) {
    let url = db.url();
    let dal = DAL::connect(&url).await.unwrap();
    hear(&format!("{dal:?} {:?}", DAL::builder(&url)));
    for error in trouble::all(db, &dal, &url).await {
        hear_error(&error);
    }
}

async fn no_row_shows_what_is_its_users(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let tasks = || dal.task_execution();
    let new = NewPipelineExecution::new("p");
    let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
    let new = NewTaskExecution::new(pipeline, "t").input(PAYLOAD);
    hear(&format!("{new:?}"));
    let first = tasks().create(new).await.unwrap().id;
    let second = NewTaskExecution::new(pipeline, "t").after(&[first]);
    let second = tasks().create(second).await.unwrap().id;
    tasks().skip(second, PAYLOAD).await.unwrap();
    tasks().mark_ready(first).await.unwrap();
    let worker = dal.worker().register("w").await.unwrap();
    let claim = tasks().claim(&worker, 1).await.unwrap().remove(0);
    assert_eq!(claim.input(), Some(&PAYLOAD.into()));
    tasks()
        .complete(&claim, Some(PAYLOAD.into()))
        .await
        .unwrap();

    let task = tasks().get(first).await.unwrap();
    assert_eq!(task.output, Some(PAYLOAD.into()));
    let outputs = tasks().dependency_outputs(second).await.unwrap();
    assert_eq!(outputs[0].output, Some(PAYLOAD.into()));
    let events = dal.execution_event().list_by_task(second).await.unwrap();
    let data = |event: &ExecutionEvent| event.event_data.as_ref().map(ToString::to_string);
    assert!(
        events
            .iter()
            .filter_map(data)
            .any(|data| data.contains(PAYLOAD))
    );
    hear(&format!("{claim:?} {task:?} {outputs:?} {events:?}"));
}

async fn no_connection_shows_its_password(db: &TestDatabase) {
    db.execute("DO $$ BEGIN CREATE ROLE taskbox_password LOGIN SUPERUSER PASSWORD 'p%/w'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$").await;
    let url = db.url();
    let (good, _) = url.split_once('?').unwrap();
    let asked = db.url_as("taskbox_password");
    let (asked, _) = asked.split_once('?').unwrap();
    let password = PASSWORD_IN_URL;
    let urls = [
        format!("{asked}?sslmode=require"),
        format!("{asked}?sslmode=disable"),
        format!("{good}_missing"),
        format!("{good}?sslmode=verify-full"),
        format!("{good}?sslmode=verify-ca&sslrootcert=/missing"),
        format!("{good}?options=-c%20no_such_setting=1"),
        format!("{good}?connect_timeout=x"),
        format!("{good}?password={password}&sslcrl=x"),
        format!("{good}?password={password}&port=1&hostaddr=127.0.0.1"),
        format!("{good}?{password}"),
        good.replace("postgres://", "mysql://"),
        good.replace("127.0.0.1", "nowhere.invalid"),
        good.replace("127.0.0.1:", "127.0.0.1:9"),
        good.replacen(':', ":@", 1),
        format!("postgres://u:{password}"),
        format!("postgres://u:{password}:{password}@127.0.0.1:{password}/"),
    ];
    // Some wait for an answer that never comes: all do at once.
    let mut attempts = JoinSet::new();
    for url in urls {
        attempts.spawn(refused(url));
    }
    attempts.join_all().await;
}

async fn refused(url: String) {
    let builder = DAL::builder(&url).acquire_timeout(Duration::from_secs(2));
    hear(&format!("{builder:?}"));
    match builder.connect().await {
        Err(error) => hear_error(&error),
        Ok(dal) => panic!("connected to {url} as {dal:?}"),
    }
}

/// The error of a call that has to fail.
async fn error<T>(what: &str, call: impl Future<Output = Result<T>>) -> Error {
    match call.await {
        Err(error) => error,
        Ok(_) => panic!("{what} did not fail"),
    }
}
