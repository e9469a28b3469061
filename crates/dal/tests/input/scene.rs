//! What the calls are made on, and how they are judged.

use std::{fmt::Debug, pin::Pin};

use taskbox_dal::{DAL, Error, Moved, Result};
use taskbox_models::{Claim, NewPipelineExecution, NewTaskExecution, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::run::run;

/// One of everything.
pub(crate) struct Scene {
    pub(crate) dal: DAL,
    pub(crate) worker: Worker,
    /// Of a task that runs.
    pub(crate) claim: Claim,
    /// One that has not started, in the pipeline.
    pub(crate) task: Uuid,
    pub(crate) pipeline: Uuid,
}

impl Scene {
    pub(crate) async fn new(db: &TestDatabase) -> Self {
        let dal = DAL::connect(db.url()).await.unwrap();
        let (worker, claim) = run(&dal, NewTaskExecution::standalone("a")).await;
        let new = NewPipelineExecution::new("p");
        let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
        let new = NewTaskExecution::new(pipeline, "t");
        let task = dal.task_execution().create(new).await.unwrap().id;
        Self {
            dal,
            worker,
            claim,
            task,
            pipeline,
        }
    }
}

/// A call that has not begun, and will answer with what it was answered, as text.
pub(crate) struct Call<'a> {
    pub(crate) name: &'static str,
    pub(crate) answer: Pin<Box<dyn Future<Output = Result<String>> + Send + 'a>>,
}

pub(crate) fn shown<T: Debug>(answer: Result<T>) -> Result<String> {
    answer.map(|answer| format!("{answer:?}"))
}

/// Fails unless each call is answered so, and changes nothing.
pub(crate) async fn assert_each(db: &TestDatabase, calls: Vec<Call<'_>>, expected: &str) {
    let before = db.dump().await;
    for Call { name, answer } in calls {
        assert_eq!(in_short(answer.await), expected, "{name}");
        assert!(db.dump().await == before, "{name} changed something");
    }
}

/// The kind of an error and what it is about, or the answer.
pub(crate) fn in_short(answer: Result<String>) -> String {
    match answer {
        Ok(answer) => answer,
        Err(Error::NotFound { what, .. }) => format!("no {what}"),
        Err(Error::LeaseLost { what, .. }) => format!("lost {what}"),
        Err(Error::InvalidInput { what, .. }) => format!("invalid {what}"),
        Err(error) => format!("{error:?}"),
    }
}

/// How many moved and how many were refused.
pub(crate) fn counted(moved: Result<Moved>) -> Result<(usize, usize)> {
    moved.map(|moved| (moved.moved.len(), moved.refused.len()))
}
