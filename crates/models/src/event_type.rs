use crate::text_enum::text_enum;

text_enum! {
    /// What happened to a task or a pipeline. [`Transition`](crate::Transition) says which transition writes which.
    pub enum EventType ("event type" in "execution_events.event_type") {
        /// A pipeline was made.
        PipelineCreated = "pipeline_created",
        /// The first task of a pipeline left `NotStarted`.
        PipelineStarted = "pipeline_started",
        /// A pipeline was paused by hand.
        PipelinePaused = "pipeline_paused",
        /// A paused pipeline goes on.
        PipelineResumed = "pipeline_resumed",
        /// A pipeline's last task ended, and none was Failed or Cancelled.
        PipelineCompleted = "pipeline_completed",
        /// A pipeline's last task ended, and at least one was Failed.
        PipelineFailed = "pipeline_failed",
        /// A pipeline's last task ended, none Failed and at least one Cancelled; or it was cancelled by hand.
        PipelineCancelled = "pipeline_cancelled",
        /// A pipeline that had ended got an open task again.
        PipelineReopened = "pipeline_reopened",
        /// A task was made.
        TaskCreated = "task_created",
        /// A task waits for a time.
        TaskScheduled = "task_scheduled",
        /// A task waits for a worker.
        TaskMarkedReady = "task_marked_ready",
        /// A worker took a task.
        TaskClaimed = "task_claimed",
        /// A task ended as it should.
        TaskCompleted = "task_completed",
        /// An attempt failed, and another follows.
        TaskRetryScheduled = "task_retry_scheduled",
        /// A task ended with an error.
        TaskFailed = "task_failed",
        /// A worker put a task off without having used the attempt.
        TaskDeferred = "task_deferred",
        /// A worker gave a task back without having used the attempt.
        TaskReleased = "task_released",
        /// A task was taken back from a worker whose lease had expired.
        TaskRecovered = "task_recovered",
        /// A task was taken back once too often, and failed.
        TaskAbandoned = "task_abandoned",
        /// A task ended without having run.
        TaskSkipped = "task_skipped",
        /// A task was ended by hand.
        TaskCancelled = "task_cancelled",
        /// A task that had ended was made ready again by hand.
        TaskRedriven = "task_redriven",
        /// A skipped task waits again, since the task it was skipped for was redriven.
        TaskReset = "task_reset",
    }
}
