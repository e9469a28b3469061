//! What `dal.pipeline_execution()` promises: pipelines that start and end with their tasks.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod life;
mod row;

#[path = "../support"]
mod support {
    pub(crate) mod connect;
    pub(crate) mod lifecycle;
    pub(crate) mod limit;
    pub(crate) mod pause;
    pub(crate) mod pipeline;
    pub(crate) mod refusal;
    pub(crate) mod run;
}

use taskbox_dal::DAL;
use taskbox_models::EventType;
use uuid::Uuid;

/// The types of the events of the pipeline itself.
async fn types(dal: &DAL, pipeline: Uuid) -> Vec<EventType> {
    let events = dal.execution_event().list_by_pipeline(pipeline).await;
    let mut events = events.unwrap();
    events.retain(|event| event.task_execution_id.is_none());
    events.iter().map(|event| event.event_type).collect()
}
