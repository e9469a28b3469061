//! Deleting what ended long ago, against those who begin it anew.

use std::time::Duration;

use taskbox_dal::{DAL, Error, Pruned};
use taskbox_models::{NewPipelineExecution, NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::meeting::Waiting;

taskbox_test_support::suite! {
    postgres: [
        what_another_transaction_begins_anew_is_passed_over,
        a_task_for_a_pipeline_that_is_going_is_refused,
        a_task_that_is_going_cannot_be_redriven,
    ],
}

const ALL: i64 = 1_000;

async fn connect(db: &TestDatabase) -> DAL {
    DAL::connect(db.url()).await.unwrap()
}

async fn cancelled(dal: &DAL, new: NewTaskExecution) -> Uuid {
    let task = dal.task_execution().create(new).await.unwrap().id;
    dal.task_execution().cancel(task).await.unwrap();
    task
}

/// A pipeline that ended, but not by hand, and so takes tasks.
async fn ended_pipeline(dal: &DAL) -> Uuid {
    let new = NewPipelineExecution::new("import");
    let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
    let new = NewTaskExecution::new(pipeline, "t");
    let task = dal.task_execution().create(new).await.unwrap().id;
    dal.task_execution().skip(task, "not needed").await.unwrap();
    pipeline
}

async fn what_another_transaction_begins_anew_is_passed_over(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = ended_pipeline(&dal).await;
    let own = cancelled(&dal, NewTaskExecution::standalone("t")).await;
    dal.transaction(async |tx| {
        let rest = NewTaskExecution::new(pipeline, "rest");
        tx.task_execution().create(rest).await?;
        tx.task_execution().redrive(own).await?;
        let pruned = dal.execution_event().prune(Duration::ZERO, 0, ALL).await?;
        assert_eq!(pruned, Pruned::default());
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    let own = dal.task_execution().get(own).await.unwrap();
    assert_eq!(own.status, TaskStatus::Ready);
}

async fn a_task_for_a_pipeline_that_is_going_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = ended_pipeline(&dal).await;
    let waiting = dal
        .transaction(async |tx| {
            let pruned = tx.execution_event().prune(Duration::ZERO, 0, ALL).await?;
            assert_eq!(pruned.pipelines, 1);
            let dal = dal.clone();
            let create = async move {
                let rest = NewTaskExecution::new(pipeline, "rest");
                dal.task_execution().create(rest).await
            };
            Ok::<_, Error>(Waiting::start(db, create, 1).await)
        })
        .await
        .unwrap();
    let refused = waiting.end().await.unwrap_err();
    assert!(matches!(refused, Error::NotFound { .. }), "{refused:?}");
}

async fn a_task_that_is_going_cannot_be_redriven(db: &TestDatabase) {
    let dal = connect(db).await;
    let own = cancelled(&dal, NewTaskExecution::standalone("t")).await;
    let waiting = dal
        .transaction(async |tx| {
            let pruned = tx.execution_event().prune(Duration::ZERO, 0, ALL).await?;
            assert_eq!(pruned.tasks, 1);
            let dal = dal.clone();
            let redrive = async move { dal.task_execution().redrive(own).await };
            Ok::<_, Error>(Waiting::start(db, redrive, 1).await)
        })
        .await
        .unwrap();
    let refused = waiting.end().await.unwrap_err();
    assert!(matches!(refused, Error::NotFound { .. }), "{refused:?}");
}
