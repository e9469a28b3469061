//! A pipeline to make tasks in.

use taskbox_dal::DAL;
use taskbox_models::NewPipelineExecution;
use uuid::Uuid;

pub(crate) async fn pipeline(dal: &DAL) -> Uuid {
    let new = NewPipelineExecution::new("import");
    dal.pipeline_execution().create(new).await.unwrap().id
}
