//! A paused pipeline.

use taskbox_test_support::{TestDatabase, canary::PAYLOAD};
use uuid::Uuid;

use super::connect::connect;

pub(crate) async fn pause(db: &TestDatabase, pipeline: Uuid) {
    let dal = connect(db).await;
    let pipelines = dal.pipeline_execution();
    pipelines.pause(pipeline, PAYLOAD).await.unwrap();
}
