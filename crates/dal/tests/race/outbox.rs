//! A call on the outbox and one on its task.

use taskbox_models::TaskStatus;
use taskbox_test_support::TestDatabase;

use crate::support::{
    call::Call,
    meeting::meet,
    scene::{assert_conflict, connect, ready_without_a_row, with_a_stale_row},
};

taskbox_test_support::suite! {
    postgres: [
        a_cancel_finds_the_row_that_was_put_into_the_outbox_while_it_waited,
        the_outbox_refuses_a_task_that_was_cancelled_meanwhile,
        a_row_is_put_into_the_outbox_once,
        a_stale_row_that_becomes_the_row_of_a_ready_task_stays,
        a_stale_row_that_goes_comes_again_with_mark_ready,
    ],
}

async fn a_cancel_finds_the_row_that_was_put_into_the_outbox_while_it_waited(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready_without_a_row(db, &dal).await;
    meet(db, &dal, Call::CreateRow(task), Call::Cancel(task))
        .await
        .unwrap();
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 0);
}

async fn the_outbox_refuses_a_task_that_was_cancelled_meanwhile(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready_without_a_row(db, &dal).await;
    let second = meet(db, &dal, Call::Cancel(task), Call::CreateRow(task)).await;
    assert_conflict(second, TaskStatus::Cancelled);
}

async fn a_row_is_put_into_the_outbox_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready_without_a_row(db, &dal).await;
    let second = meet(db, &dal, Call::CreateRow(task), Call::CreateRow(task)).await;
    assert_conflict(second, TaskStatus::Ready);
}

async fn a_stale_row_that_becomes_the_row_of_a_ready_task_stays(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = with_a_stale_row(db, &dal).await;
    meet(db, &dal, Call::MarkReady(task), Call::DeleteRow(task))
        .await
        .unwrap();
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 1);
}

async fn a_stale_row_that_goes_comes_again_with_mark_ready(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = with_a_stale_row(db, &dal).await;
    meet(db, &dal, Call::DeleteRow(task), Call::MarkReady(task))
        .await
        .unwrap();
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 1);
}
