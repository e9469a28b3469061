//! Whether the events of a step tell what it did, by the arrows of the table as it is in `taskbox-models`.

use taskbox_models::{EventType, PipelineStatus, TaskStatus, Transition};

use crate::{Database, transaction::Event};

/// The events of a task in the order in which they were written.
pub(crate) fn of_task(events: &[Event], task: usize) -> impl Iterator<Item = EventType> {
    let events = events.iter().filter(move |event| event.task == Some(task));
    events.map(|event| event.event_type)
}

/// Whether the task went from where it was to where it is by these events, one for each transition.
pub(crate) fn tells(before: &Database, after: &Database, events: &[Event], task: usize) -> bool {
    let (from, to) = (before.status(task), after.status(task));
    let mut told = of_task(events, task).peekable();
    if told.peek().is_none() {
        return from == to;
    }
    let mut reached = vec![from];
    for event in told {
        reached = reached
            .iter()
            .flat_map(|from| steps(*from, event))
            .map(Some)
            .collect();
    }
    reached.contains(&to)
}

/// Where the event leads from here.
fn steps(from: Option<TaskStatus>, event: EventType) -> impl Iterator<Item = TaskStatus> {
    let rules = Transition::ALL.iter().map(|transition| transition.rule());
    let rules = rules.filter(move |rule| match from {
        None => rule.from.is_empty(),
        Some(from) => rule.from.contains(&from),
    });
    rules
        .flat_map(|rule| rule.outcomes)
        .filter(move |outcome| outcome.event == event)
        .map(|outcome| outcome.to)
}

/// As [`tells`], for the pipeline, whose transitions are no data of `taskbox-models`.
pub(crate) fn tells_of_pipeline(before: &Database, after: &Database, events: &[Event]) -> bool {
    let (from, to) = (before.pipeline.status, after.pipeline.status);
    let mut told = events
        .iter()
        .filter(|event| event.task.is_none())
        .peekable();
    if told.peek().is_none() {
        return from == to;
    }
    let mut reached = vec![from];
    for event in told {
        reached = reached
            .iter()
            .flat_map(|from| pipeline_steps(*from, event.event_type))
            .copied()
            .collect();
    }
    reached.contains(&to)
}

fn pipeline_steps(from: PipelineStatus, event: EventType) -> &'static [PipelineStatus] {
    use PipelineStatus::{Cancelled, Completed, Failed, Paused, Pending, Running};
    match (event, from) {
        (EventType::PipelineStarted, Pending)
        | (EventType::PipelineReopened, Completed | Failed | Cancelled) => &[Running],
        (EventType::PipelinePaused, Pending | Running) => &[Paused],
        (EventType::PipelineResumed, Paused) => &[Pending, Running],
        (EventType::PipelineCompleted, Running | Paused) => &[Completed],
        (EventType::PipelineFailed, Running | Paused) => &[Failed],
        (EventType::PipelineCancelled, Pending | Running | Paused) => &[Cancelled],
        _ => &[],
    }
}
