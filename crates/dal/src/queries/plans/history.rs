//! Those who read the history from an event on, and not by a task.

use std::time::Duration;

use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use super::{assert_seeks, explain::sent, fill::fill};
use crate::{DAL, EventCursor};

taskbox_test_support::suite! {
    what_ended_long_ago_is_found_by_index,
    what_is_new_is_found_by_index,
}

async fn what_ended_long_ago_is_found_by_index(db: &TestDatabase) {
    fill(db).await;
    let (pipeline, first, last) = (20, 19_001, 19_020);
    let id = |number| db.uuid_literal(Uuid::from_u128(number));
    db.execute(&format!(
        "UPDATE pipeline_executions SET status = 'Completed' WHERE id <= {};
        UPDATE task_executions SET pipeline_execution_id = NULL WHERE id BETWEEN {} AND {};
        UPDATE execution_events SET pipeline_execution_id = NULL
        WHERE task_execution_id BETWEEN {} AND {}",
        id(pipeline),
        id(first),
        id(last),
        id(first),
        id(last),
    ))
    .await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let of_pipelines = sent!(dal, |tx| tx.execution_event().prune(Duration::ZERO, 0, 100));
    let indexes = [
        "task_executions_pipeline_execution_id_idx",
        "execution_events_task_execution_id_idx",
        "execution_events_pipeline_execution_id_idx",
    ];
    assert_seeks(db, &of_pipelines, &indexes).await;
    // Every pipeline and task has an event of its making, in the order of their numbers.
    let after = 10_000 + 19_000;
    let of_tasks = sent!(dal, |tx| tx.execution_event().prune(
        Duration::ZERO,
        after,
        100
    ));
    assert!(
        of_tasks
            .iter()
            .any(|sent| sent.text.starts_with("DELETE FROM task_executions"))
    );
    assert_seeks(db, &of_tasks, &["execution_events_task_execution_id_idx"]).await;
}

async fn what_is_new_is_found_by_index(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let mut begin = EventCursor::default();
    let all = sent!(dal, |tx| begin.advance(&mut tx.connection, 10));
    assert_seeks(db, &all, &[]).await;
}
