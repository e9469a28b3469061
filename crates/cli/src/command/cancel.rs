use clap::Args;
use taskbox_models::Transition;
use uuid::Uuid;

use crate::{
    Result,
    arguments::Database,
    output::Output,
    steer::{Deed, DryRun, OPEN, Subject},
};

/// End tasks, or pipelines with all of their tasks, that have not ended
///
/// A task that runs is taken from its worker, which is told so.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The tasks and pipelines
    #[arg(value_name = "ID", required = true)]
    ids: Vec<Uuid>,
    #[command(flatten)]
    mode: DryRun,
}

impl Cancel {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let deed = Deed {
            verb: "cancel",
            done: "cancelled",
            tasks: Transition::Cancel.rule().from,
            pipelines: OPEN,
        };
        let subjects = deed.find(&dal, &self.ids).await?;
        let cancel = async |subject: &Subject| match subject {
            Subject::Task(task) => dal.task_execution().cancel(task.id).await,
            Subject::Pipeline(pipeline) => dal.pipeline_execution().cancel(pipeline.id).await,
        };
        deed.run(&subjects, self.mode, out, cancel).await
    }
}
