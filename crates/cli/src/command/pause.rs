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

/// Hold the tasks of pipelines back
///
/// What runs goes on to its end; nothing more of them is claimed until they are resumed.
#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// The pipelines
    #[arg(value_name = "PIPELINE", required = true)]
    ids: Vec<Uuid>,
    /// Why, for those who look at them
    #[arg(long, default_value = "by hand")]
    reason: String,
    #[command(flatten)]
    mode: DryRun,
}

impl Pause {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let deed = Deed {
            verb: "pause",
            done: "paused",
            tasks: &[],
            pipelines: &[PipelineStatus::Pending, PipelineStatus::Running],
        };
        let found = deed.find(&dal, &self.ids).await;
        // It names the pipeline of the task.
        let subjects = hint::or_take(&dal, found, "task").await?;
        let reason = &self.reason;
        let pause = async |it: &Subject| dal.pipeline_execution().pause(it.id(), reason).await;
        deed.run(&subjects, self.mode, out, pause).await
    }
}
