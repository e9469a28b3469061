//! How much waits, who works, and what happened lately.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_models::{EventType, NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

use crate::support::{connect::connect, lifecycle::task_in, pipeline::pipeline, ready::ready};

taskbox_test_support::suite! {
    each_queue_tells_what_may_be_claimed_and_what_is_held,
    what_waits_for_a_time_and_what_runs_is_counted,
    a_worker_is_listed_with_its_tasks_and_its_lease,
    what_happened_lately_is_counted_and_what_is_older_is_not,
    what_happened_lately_is_counted_only_so_far_back_as_was_looked,
    the_tasks_of_a_pipeline_are_counted_by_status,
    the_clock_is_that_of_the_database,
}

const MINUTE: Duration = Duration::from_mins(1);

/// SQL for the time so many seconds ago.
fn seconds_ago(db: &TestDatabase, seconds: i64) -> String {
    match db.backend() {
        Backend::Postgres => format!("clock_timestamp() - interval '{seconds} seconds'"),
        Backend::Sqlite => format!("(unixepoch() - {seconds}) * 1000000"),
    }
}

async fn each_queue_tells_what_may_be_claimed_and_what_is_held(db: &TestDatabase) {
    let dal = connect(db).await;
    assert_eq!(dal.task_outbox().depths().await.unwrap(), []);
    let paused = pipeline(&dal).await;
    ready(&dal, NewTaskExecution::new(paused, "a").queue("mail")).await;
    ready(&dal, NewTaskExecution::new(paused, "a").queue("video")).await;
    dal.pipeline_execution().pause(paused, "no").await.unwrap();
    let old = ready(&dal, NewTaskExecution::standalone("a").queue("mail")).await;
    ready(&dal, NewTaskExecution::standalone("a").queue("mail")).await;
    // What is held is older, and does not count.
    for (condition, seconds) in [("held".to_owned(), 9_000), (of(db, old), 600)] {
        let sql = format!(
            "UPDATE task_outbox SET created_at = {} WHERE {condition}",
            seconds_ago(db, seconds)
        );
        db.execute(&sql).await;
    }
    let depths = dal.task_outbox().depths().await.unwrap();
    let counts: Vec<_> = depths
        .iter()
        .map(|it| (&*it.queue, it.ready, it.held))
        .collect();
    assert_eq!(counts, [("mail", 2, 1), ("video", 0, 1)]);
    let oldest = depths[0].oldest.unwrap();
    assert!((10 * MINUTE..12 * MINUTE).contains(&oldest), "{oldest:?}");
    assert_eq!(depths[1].oldest, None);
}

fn of(db: &TestDatabase, task: Uuid) -> String {
    format!("task_execution_id = {}", db.uuid_literal(task))
}

async fn what_waits_for_a_time_and_what_runs_is_counted(db: &TestDatabase) {
    let dal = connect(db).await;
    let live = async || {
        let live = dal.task_execution().count_live().await.unwrap();
        (live.scheduled, live.due, live.running)
    };
    assert_eq!(live().await, (0, 0, 0));
    for status in TaskStatus::ALL.iter().copied() {
        task_in(&dal, None, status).await;
    }
    for _ in 0..2 {
        let due = task_in(&dal, None, TaskStatus::NotStarted).await;
        let tasks = dal.task_execution();
        tasks.schedule(due, Duration::ZERO).await.unwrap();
    }
    assert_eq!(live().await, (3, 2, 1));
}

async fn a_worker_is_listed_with_its_tasks_and_its_lease(db: &TestDatabase) {
    let dal = connect(db).await;
    assert_eq!(dal.worker().list(9).await.unwrap(), []);
    let dead = dal.worker().register("dead").await.unwrap();
    let id = db.uuid_literal(dead.id);
    let sql = format!("UPDATE task_workers SET lease_expires_at = registered_at WHERE id = {id}");
    db.execute(&sql).await;
    let busy = dal.worker().register("busy").await.unwrap();
    for _ in 0..3 {
        ready(&dal, NewTaskExecution::standalone("a")).await;
    }
    assert_eq!(dal.task_execution().claim(&busy, 2).await.unwrap().len(), 2);
    let loads = dal.worker().list(9).await.unwrap();
    let told: Vec<_> = loads
        .iter()
        .map(|it| (&*it.worker.name, it.running, it.lease_left.is_zero()))
        .collect();
    assert_eq!(told, [("dead", 0, true), ("busy", 2, false)]);
    assert_eq!(loads[1].worker, busy);
    assert!(loads[1].lease_left <= Duration::from_secs(30));
    assert_eq!(dal.worker().list(1).await.unwrap()[0].worker.id, dead.id);
}

async fn count(dal: &DAL, event: EventType, limit: i64) -> (i64, Duration) {
    let recent = dal.execution_event().count_recent(event, MINUTE, limit);
    let recent = recent.await.unwrap();
    (recent.count, recent.span)
}

async fn what_happened_lately_is_counted_and_what_is_older_is_not(db: &TestDatabase) {
    let dal = connect(db).await;
    let (rare, common) = (EventType::TaskFailed, EventType::TaskCompleted);
    assert_eq!(count(&dal, rare, 99).await, (0, MINUTE));
    for _ in 0..2 {
        task_in(&dal, None, TaskStatus::Failed).await;
        task_in(&dal, None, TaskStatus::Completed).await;
    }
    let sql = format!(
        "UPDATE execution_events SET created_at = {}",
        seconds_ago(db, 120)
    );
    db.execute(&sql).await;
    for _ in 0..3 {
        task_in(&dal, None, TaskStatus::Failed).await;
        task_in(&dal, None, TaskStatus::Completed).await;
    }
    for event in [rare, common] {
        assert_eq!(count(&dal, event, 99).await, (3, MINUTE));
    }
}

async fn what_happened_lately_is_counted_only_so_far_back_as_was_looked(db: &TestDatabase) {
    let dal = connect(db).await;
    for _ in 0..3 {
        task_in(&dal, None, TaskStatus::Failed).await;
    }
    let sql = format!(
        "UPDATE execution_events SET created_at = {}",
        seconds_ago(db, 30)
    );
    db.execute(&sql).await;
    let (number, span) = count(&dal, EventType::TaskFailed, 2).await;
    assert_eq!(number, 2);
    assert!((MINUTE / 2..MINUTE).contains(&span), "{span:?}");
    assert_eq!(count(&dal, EventType::TaskFailed, 4).await, (3, MINUTE));
    // Of a common type, events of all types are looked at: four of each task's here.
    assert_eq!(count(&dal, EventType::TaskClaimed, 2).await.0, 1);
    let nothing = (0, Duration::ZERO);
    assert_eq!(count(&dal, EventType::TaskFailed, 0).await, nothing);
}

async fn the_tasks_of_a_pipeline_are_counted_by_status(db: &TestDatabase) {
    let dal = connect(db).await;
    let (mine, other) = (pipeline(&dal).await, pipeline(&dal).await);
    for (pipeline, status) in [
        (Some(mine), TaskStatus::Failed),
        (Some(mine), TaskStatus::Ready),
        (Some(mine), TaskStatus::Ready),
        (Some(other), TaskStatus::Ready),
        (None, TaskStatus::Ready),
    ] {
        task_in(&dal, pipeline, status).await;
    }
    let counts = dal.task_execution().count_by_status(mine).await.unwrap();
    assert_eq!(counts, [(TaskStatus::Failed, 1), (TaskStatus::Ready, 2)]);
    let none = dal.task_execution().count_by_status(Uuid::now_v7());
    assert_eq!(none.await.unwrap(), []);
}

async fn the_clock_is_that_of_the_database(db: &TestDatabase) {
    let dal = connect(db).await;
    let (before, worker) = (
        dal.now().await.unwrap(),
        dal.worker().register("w").await.unwrap(),
    );
    let after = dal.now().await.unwrap();
    assert!((before..=after).contains(&worker.registered_at));
    dal.worker().deregister(worker).await.unwrap();
}
