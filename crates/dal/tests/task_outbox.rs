//! What `dal.task_outbox()` promises: the doors mend what other SQL broke, and strand nothing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod lifecycle;
    pub(crate) mod limit;
    pub(crate) mod moment;
    pub(crate) mod pause;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
    pub(crate) mod run;
}

use std::time::Duration;

use chrono::{DateTime, Utc};
use support::{
    connect::connect,
    lifecycle::task_in,
    limit::negative,
    moment::{backdate, long_ago},
    pause::pause,
    pipeline::pipeline,
    refusal::assert_refused,
};
use taskbox_dal::{DAL, Error};
use taskbox_models::{Conflict, NewTaskExecution, NewTaskOutbox, TaskOutbox, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    create_publishes_a_ready_task_without_a_row,
    create_refuses_a_task_that_has_its_row,
    create_refuses_a_task_that_is_not_ready,
    create_refuses_an_unknown_task,
    delete_removes_the_row_of_a_task_that_is_not_ready,
    delete_leaves_the_row_of_a_ready_task,
    delete_older_than_removes_old_rows_of_tasks_that_are_not_ready,
    a_transition_takes_over_the_row_that_other_software_left,
    the_rows_come_in_the_order_of_claims,
    the_rows_of_a_paused_pipeline_come_last,
    a_limit_bounds_the_rows,
    the_count_is_of_ready_tasks,
}

async fn create_publishes_a_ready_task_without_a_row(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    let new = vec![
        NewTaskExecution::standalone("a").queue("mail").priority(7),
        NewTaskExecution::new(pipeline, "b"),
    ];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let ids: Vec<_> = made.iter().map(|task| task.id).collect();
    let ready = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    assert_eq!(ready.moved, ids);
    pause(db, pipeline).await;
    let lost = dal.task_outbox().list_pending(99).await.unwrap();
    let whole = db.dump().await;
    db.execute("DELETE FROM task_outbox").await;

    let mut rows = Vec::new();
    for (id, lost) in ids.into_iter().zip(lost) {
        let row = dal.task_outbox().create(row_of(id)).await.unwrap();
        assert_eq!(row.task_execution_id, id);
        assert!(row.id > lost.id && row.created_at >= lost.created_at);
        rows.push(row);
    }

    // That their queue, priority and hold are those of the tasks is an invariant.
    assert_eq!(dal.task_outbox().list_pending(99).await.unwrap(), rows);
    let mut after = db.dump().await;
    after.insert("task_outbox", whole["task_outbox"].clone());
    assert_eq!(after, whole);
}

fn row_of(task_execution_id: Uuid) -> NewTaskOutbox {
    NewTaskOutbox { task_execution_id }
}

async fn only_row(dal: &DAL) -> TaskOutbox {
    let rows = dal.task_outbox().list_pending(2).await.unwrap();
    let [row] = rows.as_slice() else {
        panic!("one row, not {rows:?}");
    };
    row.clone()
}

async fn create_refuses_a_task_that_has_its_row(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task_in(&dal, None, TaskStatus::Ready).await;
    let conflict = Conflict {
        task,
        expected: Vec::new(),
        found: Some(TaskStatus::Ready),
    };
    assert_refused(db, dal.task_outbox().create(row_of(task)), conflict.into()).await;
}

async fn create_refuses_a_task_that_is_not_ready(db: &TestDatabase) {
    let dal = connect(db).await;
    for status in not_ready() {
        let task = task_in(&dal, Some(pipeline(&dal).await), status).await;
        let conflict = Conflict {
            task,
            expected: vec![TaskStatus::Ready],
            found: Some(status),
        };
        assert_refused(db, dal.task_outbox().create(row_of(task)), conflict.into()).await;
    }
}

fn not_ready() -> impl Iterator<Item = TaskStatus> {
    let all = TaskStatus::ALL.iter().copied();
    all.filter(|status| *status != TaskStatus::Ready)
}

async fn create_refuses_an_unknown_task(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = Uuid::now_v7();
    let expected = Error::NotFound { what: "task", id };
    assert_refused(db, dal.task_outbox().create(row_of(id)), expected).await;
}

async fn delete_removes_the_row_of_a_task_that_is_not_ready(db: &TestDatabase) {
    let dal = connect(db).await;
    task_in(&dal, None, TaskStatus::Ready).await;
    let kept = only_row(&dal).await;
    for status in not_ready() {
        let task = task_in(&dal, None, status).await;

        let whole = db.dump().await;
        let row = leave_row(db, &dal, task).await;
        assert!(dal.task_outbox().delete(row.id).await.unwrap());
        assert_eq!(db.dump().await, whole, "{status}");

        leave_row(db, &dal, task).await;
        assert!(dal.task_outbox().delete_by_task(task).await.unwrap());
        assert_eq!(db.dump().await, whole, "{status}");
    }
    assert_eq!(only_row(&dal).await, kept);
}

/// A row that other software left, as a restored backup would.
async fn leave_row(db: &TestDatabase, dal: &DAL, task: Uuid) -> TaskOutbox {
    let id = db.uuid_literal(task);
    let insert = format!("INSERT INTO task_outbox (task_execution_id) VALUES ({id})");
    db.execute(&insert).await;
    let rows = dal.task_outbox().list_pending(99).await.unwrap();
    let left = rows.into_iter().find(|row| row.task_execution_id == task);
    left.unwrap()
}

async fn delete_leaves_the_row_of_a_ready_task(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = task_in(&dal, None, TaskStatus::Ready).await;
    let row = only_row(&dal).await;
    let whole = db.dump().await;
    for id in [row.id, row.id + 1, -1] {
        assert!(!dal.task_outbox().delete(id).await.unwrap());
    }
    for task in [task, Uuid::now_v7()] {
        assert!(!dal.task_outbox().delete_by_task(task).await.unwrap());
    }
    assert_eq!(db.dump().await, whole);
}

async fn delete_older_than_removes_old_rows_of_tasks_that_are_not_ready(db: &TestDatabase) {
    let dal = connect(db).await;
    task_in(&dal, None, TaskStatus::Ready).await;
    backdate(db, "task_outbox", only_row(&dal).await.id, long_ago(0)).await;
    let whole = db.dump().await;
    assert_eq!(delete_older_than(&dal, long_ago(9)).await, 0);

    let mut moments = (1..).map(long_ago);
    for status in not_ready() {
        let task = task_in(&dal, None, status).await;
        let row = leave_row(db, &dal, task).await;
        backdate(db, "task_outbox", row.id, moments.next().unwrap()).await;
    }
    assert_eq!(delete_older_than(&dal, long_ago(0)).await, 0);
    assert_eq!(delete_older_than(&dal, long_ago(1)).await, 0);
    assert_eq!(delete_older_than(&dal, long_ago(4)).await, 3);
    assert_eq!(delete_older_than(&dal, long_ago(7)).await, 3);
    assert_eq!(delete_older_than(&dal, long_ago(8)).await, 1);
    assert_eq!(db.dump().await["task_outbox"], whole["task_outbox"]);
}

async fn delete_older_than(dal: &DAL, cutoff: DateTime<Utc>) -> usize {
    dal.task_outbox().delete_older_than(cutoff).await.unwrap()
}

async fn a_transition_takes_over_the_row_that_other_software_left(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut left = Vec::new();
    for status in [TaskStatus::NotStarted, TaskStatus::Scheduled] {
        let new = NewTaskExecution::standalone("a").queue("mail").priority(7);
        let task = dal.task_execution().create(new).await.unwrap().id;
        if status == TaskStatus::Scheduled {
            let delay = Duration::from_hours(1);
            dal.task_execution().schedule(task, delay).await.unwrap();
        }
        left.push(leave_row(db, &dal, task).await);
        dal.task_execution().mark_ready(task).await.unwrap();
    }
    // With the queue and the priority of the tasks now, which is an invariant.
    assert_eq!(dal.task_outbox().list_pending(99).await.unwrap(), left);
}

async fn the_rows_come_in_the_order_of_claims(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut expected = Vec::new();
    for priority in [0, 5, -5, 5, 0] {
        let new = NewTaskExecution::standalone("a").priority(priority);
        let task = dal.task_execution().create(new).await.unwrap().id;
        dal.task_execution().mark_ready(task).await.unwrap();
        expected.push((-priority, task));
    }
    // Stable: within a priority, the order in which they became ready.
    expected.sort_by_key(|(key, _)| *key);
    let expected: Vec<_> = expected.into_iter().map(|(_, task)| task).collect();
    assert_eq!(pending(&dal, 99).await, expected);
}

async fn pending(dal: &DAL, limit: i64) -> Vec<Uuid> {
    let rows = dal.task_outbox().list_pending(limit).await.unwrap();
    rows.iter().map(|row| row.task_execution_id).collect()
}

async fn the_rows_of_a_paused_pipeline_come_last(db: &TestDatabase) {
    let dal = connect(db).await;
    let paused = pipeline(&dal).await;
    let first = task_in(&dal, Some(paused), TaskStatus::Ready).await;
    let new = NewTaskExecution::new(paused, "b").priority(9);
    let second = dal.task_execution().create(new).await.unwrap().id;
    pause(db, paused).await;
    dal.task_execution().mark_ready(second).await.unwrap();
    let free = task_in(&dal, None, TaskStatus::Ready).await;
    assert_eq!(pending(&dal, 99).await, [free, second, first]);
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 3);
}

async fn a_limit_bounds_the_rows(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(task_in(&dal, None, TaskStatus::Ready).await);
    }
    assert_eq!(pending(&dal, i64::MAX).await, tasks);
    assert_eq!(pending(&dal, 2).await, tasks[..2]);
    assert_eq!(pending(&dal, 0).await, tasks[..0]);
    for limit in [-1, i64::MIN] {
        let rows = dal.task_outbox().list_pending(limit);
        assert_refused(db, rows, negative(limit)).await;
    }
}

async fn the_count_is_of_ready_tasks(db: &TestDatabase) {
    let dal = connect(db).await;
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 0);
    for status in TaskStatus::ALL.iter().copied() {
        task_in(&dal, None, status).await;
    }
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 1);
    task_in(&dal, None, TaskStatus::Ready).await;
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 2);
}
