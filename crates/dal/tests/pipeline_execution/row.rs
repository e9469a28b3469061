//! Pipelines as rows: made, read and listed.

use taskbox_dal::Error;
use taskbox_models::{
    EventType, NewPipelineExecution, PipelineExecution, PipelineStatus, TaskStatus,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    support::{
        connect::connect, lifecycle::task_in, limit::negative, pipeline::pipeline,
        refusal::assert_refused,
    },
    types,
};

taskbox_test_support::suite! {
    a_pipeline_is_made_pending_and_empty,
    a_chosen_id_is_made_once,
    a_name_that_cannot_be_kept_is_refused,
    an_unknown_pipeline_is_not_found,
    the_newest_pipelines_come_first,
}

async fn a_pipeline_is_made_pending_and_empty(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = Uuid::now_v7();
    let new = NewPipelineExecution::new("import").id(id);
    let made = dal.pipeline_execution().create(new).await.unwrap();
    let expected = PipelineExecution {
        id,
        name: "import".to_owned(),
        status: PipelineStatus::Pending,
        open_tasks: 0,
        failed_tasks: 0,
        cancelled_tasks: 0,
        pause_reason: None,
        created_at: made.created_at,
        updated_at: made.updated_at,
    };
    assert_eq!(made, expected);
    assert_eq!(dal.pipeline_execution().get(id).await.unwrap(), made);
    assert_eq!(types(&dal, id).await, [EventType::PipelineCreated]);
    let by_default = pipeline(&dal).await;
    assert_eq!(by_default.get_version_num(), 7);
}

async fn a_chosen_id_is_made_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let taken = pipeline(&dal).await;
    task_in(&dal, Some(taken), TaskStatus::Ready).await;
    let again = NewPipelineExecution::new("export").id(taken);
    let expected = Error::PipelineExists { pipeline: taken };
    assert_refused(db, dal.pipeline_execution().create(again), expected).await;
}

async fn a_name_that_cannot_be_kept_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let longest = NewPipelineExecution::new("x".repeat(255));
    dal.pipeline_execution().create(longest).await.unwrap();
    for (name, problem) in [
        (String::new(), "is empty"),
        ("x".repeat(256), "has 256 bytes; the longest has 255"),
        (
            "a\0b".to_owned(),
            "has a NUL character at byte 1, which databases cannot keep",
        ),
    ] {
        let expected = Error::InvalidInput {
            what: "name",
            problem: problem.to_owned(),
        };
        let new = NewPipelineExecution::new(name);
        assert_refused(db, dal.pipeline_execution().create(new), expected).await;
    }
}

async fn an_unknown_pipeline_is_not_found(db: &TestDatabase) {
    let dal = connect(db).await;
    pipeline(&dal).await;
    let id = Uuid::now_v7();
    let what = "pipeline";
    let expected = Error::NotFound { what, id };
    assert_refused(db, dal.pipeline_execution().get(id), expected).await;
}

async fn the_newest_pipelines_come_first(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut newest = Vec::new();
    for _ in 0..3 {
        let made = dal.pipeline_execution().get(pipeline(&dal).await).await;
        newest.insert(0, made.unwrap());
    }
    for (limit, count) in [(i64::MAX, 3), (3, 3), (2, 2), (0, 0)] {
        let listed = dal.pipeline_execution().list_recent(limit).await.unwrap();
        assert_eq!(listed, newest[..count]);
    }
    for limit in [-1, i64::MIN] {
        let listed = dal.pipeline_execution().list_recent(limit);
        assert_refused(db, listed, negative(limit)).await;
    }
}
