use taskbox_models::PipelineStatus;
use uuid::Uuid;

/// Which pipelines [`PipelineExecutionDAL::list`](crate::PipelineExecutionDAL::list) answers with; all of them unless
/// something is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a filter does nothing by itself"]
pub struct PipelineFilter {
    pub(crate) status: Option<PipelineStatus>,
    pub(crate) name: Option<String>,
    pub(crate) before: Option<Uuid>,
}

impl PipelineFilter {
    /// How many pipelines a list looks at to find those of a status or a name, for which there is no index.
    pub const LOOK: i64 = 10_000;

    /// Only the pipelines of this status.
    pub fn status(mut self, status: PipelineStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Only the pipelines of this name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only the pipelines with a lower id, which are older: with the last id of one page, the next page.
    pub fn before(mut self, pipeline: Uuid) -> Self {
        self.before = Some(pipeline);
        self
    }
}
