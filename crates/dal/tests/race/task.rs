//! Two calls on one task.

use taskbox_models::TaskStatus;
use taskbox_test_support::TestDatabase;

use crate::support::{
    call::Call,
    meeting::meet,
    scene::{assert_conflict, connect, scheduled, standalone, status},
};

taskbox_test_support::suite! {
    postgres: [
        a_task_that_two_make_ready_is_ready_once,
        a_cancel_finds_the_row_that_mark_ready_wrote_while_it_waited,
        mark_ready_finds_the_task_cancelled,
        mark_ready_finds_the_due_time_that_schedule_wrote_while_it_waited,
        schedule_finds_the_task_ready,
        a_cancel_finds_the_due_time_that_schedule_wrote_while_it_waited,
        a_cancel_finds_a_scheduled_task_ready,
        mark_ready_finds_a_scheduled_task_cancelled,
    ],
}

async fn a_task_that_two_make_ready_is_ready_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = standalone(&dal).await;
    let second = meet(db, &dal, Call::MarkReady(task), Call::MarkReady(task)).await;
    assert_conflict(second, TaskStatus::Ready);
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 1);
}

async fn a_cancel_finds_the_row_that_mark_ready_wrote_while_it_waited(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = standalone(&dal).await;
    meet(db, &dal, Call::MarkReady(task), Call::Cancel(task))
        .await
        .unwrap();
    assert_eq!(status(&dal, task).await, TaskStatus::Cancelled);
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 0);
}

async fn mark_ready_finds_the_task_cancelled(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = standalone(&dal).await;
    let second = meet(db, &dal, Call::Cancel(task), Call::MarkReady(task)).await;
    assert_conflict(second, TaskStatus::Cancelled);
}

async fn mark_ready_finds_the_due_time_that_schedule_wrote_while_it_waited(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = standalone(&dal).await;
    meet(db, &dal, Call::Schedule(task), Call::MarkReady(task))
        .await
        .unwrap();
    assert_eq!(status(&dal, task).await, TaskStatus::Ready);
}

async fn schedule_finds_the_task_ready(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = standalone(&dal).await;
    let second = meet(db, &dal, Call::MarkReady(task), Call::Schedule(task)).await;
    assert_conflict(second, TaskStatus::Ready);
}

async fn a_cancel_finds_the_due_time_that_schedule_wrote_while_it_waited(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = standalone(&dal).await;
    meet(db, &dal, Call::Schedule(task), Call::Cancel(task))
        .await
        .unwrap();
    assert_eq!(status(&dal, task).await, TaskStatus::Cancelled);
}

async fn a_cancel_finds_a_scheduled_task_ready(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = scheduled(&dal).await;
    meet(db, &dal, Call::MarkReady(task), Call::Cancel(task))
        .await
        .unwrap();
    assert_eq!(status(&dal, task).await, TaskStatus::Cancelled);
}

async fn mark_ready_finds_a_scheduled_task_cancelled(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = scheduled(&dal).await;
    let second = meet(db, &dal, Call::Cancel(task), Call::MarkReady(task)).await;
    assert_conflict(second, TaskStatus::Cancelled);
}
