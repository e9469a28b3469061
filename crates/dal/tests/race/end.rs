//! What became of a pipeline after some calls, to be compared with what becomes of it if they are made one by one.

use taskbox_dal::{DAL, Error, Result};
use taskbox_models::{PipelineStatus, TaskStatus, Worker};
use taskbox_test_support::{TestDatabase, invariants};
use uuid::Uuid;

use crate::support::call::Call;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// What the calls said.
    pub(crate) said: Vec<String>,
    pub(crate) pipeline: PipelineStatus,
    pub(crate) tasks: Vec<TaskStatus>,
}

impl End {
    /// Nothing is left then for who comes next.
    pub(crate) async fn of(dal: &DAL, pipeline: Uuid, worker: Worker, said: Vec<String>) -> Self {
        let tasks = dal.task_execution().list_by_pipeline(pipeline).await;
        let found = dal.pipeline_execution().get(pipeline).await.unwrap();
        let _ = Call::CancelPipeline(pipeline).on(dal).await;
        dal.worker().deregister(worker).await.unwrap();
        Self {
            said,
            pipeline: found.status,
            tasks: tasks.unwrap().iter().map(|task| task.status).collect(),
        }
    }
}

/// What a call says, without names.
pub(crate) fn said(answer: &Result<()>) -> String {
    match answer {
        Ok(()) => "done".to_owned(),
        Err(Error::Conflict(conflict)) => format!("{:?}", conflict.found),
        Err(Error::PipelineConflict { found, .. } | Error::PipelineClosed { found, .. }) => {
            format!("the pipeline is {found}")
        }
        Err(Error::LeaseLost { what, .. }) => format!("lost {what}"),
        Err(error) => panic!("{error}"),
    }
}

/// What holds at the end of a test holds after each of its cases.
pub(crate) async fn assert_whole(db: &TestDatabase) {
    assert_eq!(invariants::broken(db).await, Vec::<String>::new());
}
