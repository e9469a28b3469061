mod cancel;
mod filter;
mod pause;
mod wait;

use taskbox_models::{EventType, NewPipelineExecution, PipelineExecution};
use uuid::Uuid;

use crate::{
    Door, Error, Result, Tx, connection::Connection, queries::pipeline_execution, validate,
    witness::Subject,
};

pub use filter::PipelineFilter;

/// The pipelines: `dal.pipeline_execution()` or `tx.pipeline_execution()`.
///
/// A pipeline's status follows from its tasks: it starts when the first of them does, and ends in the
/// transaction in which the last of them ends. Beside that it can be paused, resumed and cancelled by hand.
#[derive(Clone, Copy, Debug)]
#[must_use = "an accessor does nothing by itself"]
pub struct PipelineExecutionDAL<D> {
    door: D,
}

impl<D: Door> PipelineExecutionDAL<D> {
    pub(crate) fn new(door: D) -> Self {
        Self { door }
    }

    /// Makes a pipeline, `Pending` and without tasks.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a name that cannot be kept; [`Error::PipelineExists`] if there is a
    /// pipeline of a chosen id.
    pub async fn create(self, pipeline: NewPipelineExecution) -> Result<PipelineExecution> {
        validate::name("name", &pipeline.name)?;
        let id = pipeline.id.unwrap_or_else(Uuid::now_v7);
        let name = &pipeline.name;
        self.door
            .write("pipeline_execution.create", async |tx: &mut Tx<'_>| {
                tx.context.faults.reach("create pipeline: insert")?;
                let made = pipeline_execution::insert(&mut tx.connection, id, name).await?;
                let made = made.ok_or(Error::PipelineExists { pipeline: id })?;
                tx.context.faults.reach("create pipeline: event")?;
                log(tx, id, EventType::PipelineCreated, None).await?;
                tx.context.faults.reach("create pipeline: done")?;
                Ok(made)
            })
            .await
    }

    /// The pipeline.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such pipeline.
    pub async fn get(self, pipeline: Uuid) -> Result<PipelineExecution> {
        let found = self
            .door
            .read(async |connection: &mut Connection<'_>| {
                pipeline_execution::get(connection, pipeline).await
            })
            .await?;
        found.ok_or(Error::NotFound {
            what: "pipeline",
            id: pipeline,
        })
    }

    /// The newest pipelines, newest first, `limit` at the most.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the limit is negative.
    pub async fn list_recent(self, limit: i64) -> Result<Vec<PipelineExecution>> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                pipeline_execution::list_recent(connection, limit).await
            })
            .await
    }

    /// The newest pipelines that pass the filter, newest first, `limit` at the most. By a status or a name it looks at
    /// the newest [`PipelineFilter::LOOK`] pipelines and no further.
    ///
    /// ```
    /// use taskbox_dal::{DAL, PipelineFilter, Result};
    /// use taskbox_models::{NewPipelineExecution, PipelineStatus};
    ///
    /// async fn look(dal: &DAL) -> Result<()> {
    ///     let import = dal.pipeline_execution().create(NewPipelineExecution::new("import")).await?;
    ///     let pending = PipelineFilter::default().status(PipelineStatus::Pending).name("import");
    ///     let page = dal.pipeline_execution().list(&pending, 50).await?;
    ///     assert_eq!(page, [import.clone()]);
    ///     let next = dal.pipeline_execution().list(&pending.before(import.id), 50).await?;
    ///     assert!(next.is_empty());
    ///     Ok(())
    /// }
    /// # use taskbox_test_support::{Backend, TestDatabase, run};
    /// # async fn example(db: &TestDatabase) { look(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
    /// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the limit is negative, and for a name with a NUL character.
    pub async fn list(self, filter: &PipelineFilter, limit: i64) -> Result<Vec<PipelineExecution>> {
        validate::limit(limit)?;
        validate::text("name", filter.name.as_deref().unwrap_or_default())?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                pipeline_execution::list(connection, filter, limit).await
            })
            .await
    }
}

/// Writes an event of a pipeline itself.
async fn log(tx: &mut Tx<'_>, id: Uuid, event: EventType, reason: Option<&str>) -> Result<()> {
    let written = pipeline_execution::log(&mut tx.connection, id, event, reason).await?;
    if let Some(transaction_id) = written {
        tx.remember(transaction_id, Subject::Pipeline(id));
    }
    Ok(())
}
