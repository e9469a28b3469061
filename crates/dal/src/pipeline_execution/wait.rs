use std::time::Duration;

use taskbox_models::PipelineExecution;
use uuid::Uuid;

use super::PipelineExecutionDAL;
use crate::{DAL, Result};

/// Between two looks: at first, and at the longest.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl PipelineExecutionDAL<&DAL> {
    /// Waits until the pipeline has ended, and answers with it as it is then. One without tasks ends only by
    /// [`cancel`](Self::cancel).
    ///
    /// Looks at the pipeline's own row, at first often and then once a second. For how long is the caller's to say, by
    /// a timeout around it; dropping it does no harm.
    ///
    /// ```
    /// use std::time::Duration;
    /// use taskbox_dal::{DAL, Result};
    /// use taskbox_models::PipelineStatus;
    /// use uuid::Uuid;
    ///
    /// /// Whether the pipeline completes within a minute.
    /// async fn completes(dal: &DAL, pipeline: Uuid) -> Result<bool> {
    ///     let minute = Duration::from_secs(60);
    ///     match tokio::time::timeout(minute, dal.pipeline_execution().wait(pipeline)).await {
    ///         Ok(ended) => Ok(ended?.status == PipelineStatus::Completed),
    ///         Err(_) => Ok(false),
    ///     }
    /// }
    /// # use taskbox_models::NewPipelineExecution;
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) {
    /// #     let dal = DAL::connect(db.url()).await.unwrap();
    /// #     let made = dal.pipeline_execution().create(NewPipelineExecution::new("p")).await.unwrap();
    /// #     dal.pipeline_execution().cancel(made.id).await.unwrap();
    /// #     assert!(!completes(&dal, made.id).await.unwrap());
    /// # }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) if there is no such pipeline, or no more.
    #[expect(
        clippy::disallowed_methods,
        reason = "no event comes from another process"
    )]
    pub async fn wait(self, pipeline: Uuid) -> Result<PipelineExecution> {
        let mut pause = PAUSE;
        loop {
            let found = self.get(pipeline).await?;
            if found.status.is_terminal() {
                return Ok(found);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
