use clap::Args;
use taskbox_dal::TaskFilter;
use taskbox_models::{TaskStatus, Transition};
use uuid::Uuid;

use super::tasks::Filter;
use crate::{
    Result,
    arguments::Database,
    hint,
    output::Output,
    steer::{Deed, DryRun, Subject},
};

/// Run tasks again that failed or were cancelled
///
/// They are ready at once, with all of their attempts before them. Tasks that were skipped because of them wait for
/// them again, and their pipelines are reopened.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The tasks
    #[arg(value_name = "TASK", required_unless_present = "failed")]
    ids: Vec<Uuid>,
    /// Instead: tasks that are Failed, the newest first, up to the limit
    #[arg(long, conflicts_with = "ids")]
    failed: bool,
    /// Only the failed ones of this queue
    #[arg(long, requires = "failed")]
    queue: Option<String>,
    /// Only the failed ones of this name
    #[arg(long, requires = "failed")]
    name: Option<String>,
    /// Only the failed ones of this pipeline
    #[arg(long, value_name = "ID", requires = "failed")]
    pipeline: Option<Uuid>,
    /// How many failed ones at the most
    #[arg(long, value_name = "NUMBER", requires = "failed", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    #[command(flatten)]
    mode: DryRun,
}

impl Retry {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let deed = Deed {
            verb: "retry",
            done: "retried",
            tasks: Transition::Redrive.rule().from,
            pipelines: &[],
        };
        let subjects = if self.failed {
            let failed = dal
                .task_execution()
                .list(&self.filter(), self.limit)
                .await?;
            let failed = failed.into_iter().map(Box::new);
            failed.map(Subject::Task).collect()
        } else {
            hint::or_take(
                &dal,
                deed.find(&dal, &self.ids).await,
                "retry --failed --pipeline",
            )
            .await?
        };
        let redrive = async |it: &Subject| dal.task_execution().redrive(it.id()).await;
        deed.run(&subjects, self.mode, out, redrive).await
    }

    fn filter(&self) -> TaskFilter {
        let failed = Filter {
            status: Some(TaskStatus::Failed),
            queue: self.queue.clone(),
            name: self.name.clone(),
            pipeline: self.pipeline,
        };
        failed.of_tasks()
    }
}
