use clap::Args;
use taskbox_models::PipelineStatus;
use uuid::Uuid;

use crate::{
    Result,
    arguments::Database,
    hint,
    output::Output,
    steer::{Deed, DryRun, Subject},
};

/// Let paused pipelines go on
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The pipelines
    #[arg(value_name = "PIPELINE", required = true)]
    ids: Vec<Uuid>,
    #[command(flatten)]
    mode: DryRun,
}

impl Resume {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let deed = Deed {
            verb: "resume",
            done: "resumed",
            tasks: &[],
            pipelines: &[PipelineStatus::Paused],
        };
        let found = deed.find(&dal, &self.ids).await;
        // It names the pipeline of the task.
        let subjects = hint::or_take(&dal, found, "task").await?;
        let resume = async |it: &Subject| dal.pipeline_execution().resume(it.id()).await;
        deed.run(&subjects, self.mode, out, resume).await
    }
}
