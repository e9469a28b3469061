use crate::text_enum::text_enum;

text_enum! {
    /// Where a pipeline stands. It follows from its tasks, except that a hand may pause or cancel it.
    pub enum PipelineStatus ("pipeline status" in "pipeline_executions.status") {
        /// None of its tasks has left `NotStarted`; also a pipeline without tasks.
        Pending = "Pending",
        /// Some of its tasks have not ended.
        Running = "Running",
        /// Its tasks are not claimed until it is resumed.
        Paused = "Paused",
        /// All of its tasks have ended, none of them Failed or Cancelled.
        Completed = "Completed",
        /// All of its tasks have ended, at least one of them Failed.
        Failed = "Failed",
        /// All of its tasks have ended, none Failed and at least one Cancelled.
        Cancelled = "Cancelled",
    }
}

impl PipelineStatus {
    /// Whether the pipeline has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}
