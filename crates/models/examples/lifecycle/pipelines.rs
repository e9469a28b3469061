//! The sections about pipelines.

use taskbox_models::{EventType, PipelineStatus};

use crate::{code, table};

pub(crate) fn statuses() -> String {
    let rows = PipelineStatus::ALL.iter().map(|status| {
        [
            code([status.as_str()]),
            status_text(*status).to_owned(),
            if status.is_terminal() { "yes" } else { "" }.to_owned(),
        ]
    });
    format!(
        "## Pipelines

A pipeline's status follows from its tasks and changes in their transactions: it starts with the first task that
leaves `NotStarted`, and ends with the last that ends. A task made in a Completed or Failed pipeline reopens it;
in a Cancelled one making a task is refused. Redriving one of its tasks reopens any pipeline that has ended.

{}",
        table(["status", "meaning", "has ended"], rows)
    )
}

fn status_text(status: PipelineStatus) -> &'static str {
    match status {
        PipelineStatus::Pending => "no task has left `NotStarted`, or there is none",
        PipelineStatus::Running => "a task has left `NotStarted`, and some have not ended",
        PipelineStatus::Paused => {
            "by hand: its rows in `task_outbox` are held back, where no claim looks; what runs goes on"
        }
        PipelineStatus::Completed => "all tasks have ended, none of them Failed or Cancelled",
        PipelineStatus::Failed => "all tasks have ended, at least one of them Failed",
        PipelineStatus::Cancelled => {
            "all tasks have ended, none of them Failed and at least one Cancelled"
        }
    }
}

/// In the order in which the events are declared.
pub(crate) fn events() -> String {
    let rows = EventType::ALL
        .iter()
        .filter_map(|event| Some([code([event.as_str()]), event_text(*event)?.to_owned()]));
    format!(
        "## Events of pipelines

They have no task, and no data unless it says so.

{}",
        table(["event", "written when"], rows)
    )
}

/// When it is written; `None` for the events of tasks.
fn event_text(event: EventType) -> Option<&'static str> {
    Some(match event {
        EventType::PipelineCreated => "the pipeline is made",
        EventType::PipelineStarted => "it leaves Pending: its first task leaves `NotStarted`",
        EventType::PipelinePaused => "it is paused by hand; its data has the `reason`",
        EventType::PipelineResumed => {
            "it is resumed by hand: Running, or Pending if no task has left `NotStarted`"
        }
        EventType::PipelineCompleted => "its last task ends, and it becomes Completed",
        EventType::PipelineFailed => "its last task ends, and it becomes Failed",
        EventType::PipelineCancelled => {
            "its last task ends, and it becomes Cancelled; or it is cancelled by hand and has no tasks"
        }
        EventType::PipelineReopened => {
            "a task is made in it after it had Completed or Failed, or redriven after it had ended"
        }
        EventType::TaskCreated
        | EventType::TaskScheduled
        | EventType::TaskMarkedReady
        | EventType::TaskClaimed
        | EventType::TaskCompleted
        | EventType::TaskRetryScheduled
        | EventType::TaskFailed
        | EventType::TaskDeferred
        | EventType::TaskReleased
        | EventType::TaskRecovered
        | EventType::TaskAbandoned
        | EventType::TaskSkipped
        | EventType::TaskCancelled
        | EventType::TaskRedriven
        | EventType::TaskReset => return None,
    })
}
