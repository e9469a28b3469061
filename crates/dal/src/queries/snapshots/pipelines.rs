//! The statements on pipelines.

use taskbox_models::{NewPipelineExecution, NewTaskExecution};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use super::{super::recorder::record, assert_snapshot, connect};

taskbox_test_support::suite! {
    both: [
        pipelines_are_kept_by_these_statements,
        pipelines_are_held_up_and_ended_by_these_statements,
        a_task_comes_back_with_its_dependents_by_these_statements,
    ],
}

async fn pipelines_are_kept_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = Uuid::now_v7();
    let new = NewPipelineExecution::new("import").id(id);
    let create = record!(dal, |tx| tx.pipeline_execution().create(new.clone()));
    assert_snapshot(db, "pipeline_create", &create);
    let get = record!(dal, |tx| tx.pipeline_execution().get(id));
    assert_snapshot(db, "pipeline_get", &get);
    let list = record!(dal, |tx| tx.pipeline_execution().list_recent(1));
    assert_snapshot(db, "pipeline_list_recent", &list);
}

async fn pipelines_are_held_up_and_ended_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = Uuid::now_v7();
    let new = NewPipelineExecution::new("import").id(id);
    dal.pipeline_execution().create(new).await.unwrap();
    let pause = record!(dal, |tx| tx.pipeline_execution().pause(id, "lunch"));
    assert_snapshot(db, "pipeline_pause", &pause);
    let resume = record!(dal, |tx| tx.pipeline_execution().resume(id));
    assert_snapshot(db, "pipeline_resume", &resume);
    let cancel = record!(dal, |tx| tx.pipeline_execution().cancel(id));
    assert_snapshot(db, "pipeline_cancel", &cancel);
}

async fn a_task_comes_back_with_its_dependents_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewPipelineExecution::new("import");
    let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
    let first = NewTaskExecution::new(pipeline, "a").id(Uuid::now_v7());
    let task = first.id.unwrap();
    let second = NewTaskExecution::new(pipeline, "b").after(&[task]);
    let new = vec![first, second];
    let create = record!(dal, |tx| tx.task_execution().create_many(new.clone()));
    assert_snapshot(db, "create_after", &create);
    dal.task_execution().cancel(task).await.unwrap();
    let redrive = record!(dal, |tx| tx.task_execution().redrive(task));
    assert_snapshot(db, "redrive_with_dependents", &redrive);
}
