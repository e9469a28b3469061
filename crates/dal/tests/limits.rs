//! What workers' calls do at the ends of what they take: the sensible, or a refusal that names the argument.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod expire;
    pub(crate) mod run;
}

use std::{fmt::Debug, time::Duration};

use serde_json::{Value, json};
use support::{connect::connect, expire::expire, run::run};
use taskbox_dal::{DAL, Error, Moved, Recovered, Result};
use taskbox_models::{Claim, NewTaskExecution, TaskStatus, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    a_claim_takes_up_to_its_limit,
    a_claim_names_a_hundred_queues_at_the_most,
    a_recovery_takes_up_to_its_limit,
    a_lease_lasts_from_a_millisecond_to_a_century,
    recoveries_have_a_cap_of_zero_or_more,
    a_worker_has_a_name_that_can_be_kept,
    an_error_has_no_nul,
    an_output_can_be_read_back,
    a_delay_is_a_century_at_the_most,
    nothing_is_done_for_nothing,
}

const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);
const TOO_LONG: [Duration; 2] = [
    CENTURY.saturating_add(Duration::from_nanos(1)),
    Duration::MAX,
];

/// Fails unless the call is refused because of this argument, and leaves every table as it was.
async fn assert_invalid<T: Debug>(
    db: &TestDatabase,
    call: impl Future<Output = Result<T>>,
    argument: &str,
) {
    let before = db.dump().await;
    let answer = call.await;
    assert!(
        matches!(&answer, Err(Error::InvalidInput { what, .. }) if *what == argument),
        "expected {argument} to be refused, got {answer:?}"
    );
    assert_eq!(db.dump().await, before, "{answer:?}");
}

/// Fails unless the call answers with what stands for nothing, and does nothing.
async fn assert_nothing<T: Debug + PartialEq>(
    db: &TestDatabase,
    call: impl Future<Output = Result<T>>,
    nothing: T,
) {
    let before = db.dump().await;
    assert_eq!(call.await.unwrap(), nothing);
    assert_eq!(db.dump().await, before);
}

/// Makes so many tasks ready, and a worker that has none of them.
async fn ready(dal: &DAL, number: usize) -> Worker {
    let new = vec![NewTaskExecution::standalone("a"); number];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let ids: Vec<Uuid> = made.iter().map(|task| task.id).collect();
    let ready = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    assert_eq!(ready.moved.len(), number);
    dal.worker().register("w").await.unwrap()
}

async fn running(dal: &DAL) -> Claim {
    run(dal, NewTaskExecution::standalone("a")).await.1
}

async fn a_claim_takes_up_to_its_limit(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = ready(&dal, 3).await;
    let claim = |limit| dal.task_execution().claim(&worker, limit);
    for limit in [-1, i64::MIN] {
        assert_invalid(db, claim(limit), "limit").await;
        let queues = ["default"];
        let claim = dal.task_execution().claim_from(&worker, &queues, limit);
        assert_invalid(db, claim, "limit").await;
    }
    assert_nothing(db, claim(0), Vec::new()).await;
    assert_eq!(claim(1).await.unwrap().len(), 1);
    assert_eq!(claim(i64::MAX).await.unwrap().len(), 2);
    assert_nothing(db, claim(i64::MAX), Vec::new()).await;
}

async fn a_claim_names_a_hundred_queues_at_the_most(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = ready(&dal, 2).await;
    let claim = async |queues: Vec<String>| {
        let tasks = dal.task_execution();
        tasks.claim_from(&worker, &queues, 1).await
    };
    let queues = |number: usize| (1..number).map(|number| format!("q{number}"));
    let with_default = |number| queues(number).chain(["default".to_owned()]).collect();
    assert_invalid(db, claim(with_default(101)), "queues").await;
    for name in ["", "a\0b", &"x".repeat(256)] {
        assert_invalid(db, claim(vec![name.to_owned()]), "queue").await;
    }
    assert_nothing(db, claim(Vec::new()), Vec::new()).await;
    assert_nothing(db, claim(queues(101).collect()), Vec::new()).await;
    assert_eq!(claim(with_default(100)).await.unwrap().len(), 1);
    let twice = vec!["default".to_owned(); 101];
    assert_eq!(claim(twice).await.unwrap().len(), 1);
}

async fn a_recovery_takes_up_to_its_limit(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = ready(&dal, 3).await;
    let claims = dal.task_execution().claim(&worker, 3).await.unwrap();
    assert_eq!(claims.len(), 3);
    expire(db, &worker).await;
    let recover = |limit| dal.task_execution().recover_expired(limit);
    for limit in [-1, i64::MIN] {
        assert_invalid(db, recover(limit), "limit").await;
    }
    assert_nothing(db, recover(0), Recovered::default()).await;
    assert_eq!(recover(1).await.unwrap().recovered.len(), 1);
    assert_eq!(recover(i64::MAX).await.unwrap().recovered.len(), 2);
    assert_nothing(db, recover(i64::MAX), Recovered::default()).await;
}

async fn a_lease_lasts_from_a_millisecond_to_a_century(db: &TestDatabase) {
    let connect = |lease| DAL::builder(db.url()).lease(lease).connect();
    let too_short = [Duration::ZERO, Duration::from_micros(999)];
    for lease in too_short.into_iter().chain(TOO_LONG) {
        assert_invalid(db, connect(lease), "lease").await;
    }
    for lease in [Duration::from_millis(1), CENTURY] {
        let dal = connect(lease).await.unwrap();
        let worker = dal.worker().register("w").await.unwrap();
        let lasts = (worker.lease_expires_at - worker.registered_at).to_std();
        // The clock is asked twice: a little later, the second time.
        let lasts = lasts.unwrap();
        assert!(lasts >= lease, "{lasts:?} instead of {lease:?}");
        let _ = dal.worker().heartbeat(&worker).await.unwrap();
    }
}

async fn recoveries_have_a_cap_of_zero_or_more(db: &TestDatabase) {
    let connect = |cap| DAL::builder(db.url()).max_recoveries(cap).connect();
    for cap in [-1, i32::MIN] {
        assert_invalid(db, connect(cap), "max_recoveries").await;
    }
    for (cap, status) in [(0, TaskStatus::Failed), (i32::MAX, TaskStatus::Ready)] {
        let dal = connect(cap).await.unwrap();
        let (worker, claim) = run(&dal, NewTaskExecution::standalone("a")).await;
        expire(db, &worker).await;
        let _ = dal.task_execution().recover_expired(1).await.unwrap();
        let task = dal.task_execution().get(claim.task_execution_id()).await;
        assert_eq!(task.unwrap().status, status, "with a cap of {cap}");
    }
}

async fn a_worker_has_a_name_that_can_be_kept(db: &TestDatabase) {
    let dal = connect(db).await;
    for name in ["", "a\0b", &"x".repeat(256)] {
        assert_invalid(db, dal.worker().register(name), "name").await;
    }
    for name in ["\u{1f525}", &"x".repeat(255)] {
        let worker = dal.worker().register(name).await.unwrap();
        assert_eq!(worker.name, name);
    }
}

async fn an_error_has_no_nul(db: &TestDatabase) {
    let dal = connect(db).await;
    let claim = running(&dal).await;
    let tasks = || dal.task_execution();
    assert_invalid(db, tasks().fail(&claim, "a\0b"), "error").await;
    for delay in [Duration::ZERO, Duration::from_hours(1)] {
        let retry = tasks().schedule_retry(&claim, "\0", delay);
        assert_invalid(db, retry, "error").await;
    }
    let long = "x\u{1f525}\n\u{1}'\"\\".repeat(100_000);
    tasks().fail(&claim, long.as_str()).await.unwrap();
    let task = claim.task_execution_id();
    let events = dal.execution_event().list_by_task(task).await.unwrap();
    let data = events.last().unwrap().event_data.as_ref().unwrap();
    assert_eq!(data["error"], long);
}

async fn an_output_can_be_read_back(db: &TestDatabase) {
    let dal = connect(db).await;
    let (claim, other) = (running(&dal).await, running(&dal).await);
    let nested = |levels| (1..levels).fold(json!(1), |inner, _| Value::Array(vec![inner]));
    for output in [json!("a\0"), json!([{"a\0": 1}]), nested(101)] {
        let complete = dal.task_execution().complete(&claim, Some(output.clone()));
        assert_invalid(db, complete, "output").await;
        let batch = [(other.clone(), None), (claim.clone(), Some(output))];
        let complete = dal.task_execution().complete_many(&batch);
        assert_invalid(db, complete, "output").await;
    }
    let outputs = [nested(100), json!({"": "\\u0000 \u{1} \u{1f525}"})];
    for (claim, output) in [claim, other].into_iter().zip(outputs) {
        let complete = dal.task_execution().complete(&claim, Some(output.clone()));
        complete.await.unwrap();
        let task = dal.task_execution().get(claim.task_execution_id()).await;
        assert_eq!(task.unwrap().output, Some(output));
    }
}

async fn a_delay_is_a_century_at_the_most(db: &TestDatabase) {
    let dal = connect(db).await;
    let (retried, deferred) = (running(&dal).await, running(&dal).await);
    let new = NewTaskExecution::standalone("a");
    let task = dal.task_execution().create(new).await.unwrap().id;
    let tasks = || dal.task_execution();
    for delay in TOO_LONG {
        let retry = tasks().schedule_retry(&retried, "no", delay);
        assert_invalid(db, retry, "delay").await;
        assert_invalid(db, tasks().defer(&deferred, delay), "delay").await;
        assert_invalid(db, tasks().schedule(task, delay), "delay").await;
    }
    let retry = tasks().schedule_retry(&retried, "no", CENTURY);
    retry.await.unwrap();
    tasks().defer(&deferred, CENTURY).await.unwrap();
    tasks().schedule(task, CENTURY).await.unwrap();
    let scheduled = db.query_i64("SELECT count(*) FROM task_schedule").await;
    assert_eq!(scheduled, 3);
}

async fn nothing_is_done_for_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    running(&dal).await;
    let tasks = || dal.task_execution();
    assert_nothing(db, tasks().complete_many(&[]), Moved::default()).await;
    assert_nothing(db, tasks().fail_many(&[]), Moved::default()).await;
    assert_nothing(db, tasks().schedule_retry_many(&[]), Moved::default()).await;
    assert_nothing(db, tasks().defer_many(&[]), Moved::default()).await;
    assert_nothing(db, tasks().release_many(&[]), Moved::default()).await;
    assert_nothing(db, tasks().mark_ready_many(&[]), Moved::default()).await;
    assert_nothing(db, tasks().create_many(Vec::new()), Vec::new()).await;
}
