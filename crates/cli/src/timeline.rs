//! Where the time of a task went, from its history.

use std::{fmt::Write, time::Duration};

use anstyle::Style;
use chrono::{DateTime, Utc};
use serde::Serialize;
use taskbox_models::{EventType, ExecutionEvent, TaskStatus};

use crate::{
    table::{CYAN, DIM, YELLOW},
    text,
};

/// A time that a task spent in one status that is not its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Phase {
    pub(crate) status: TaskStatus,
    pub(crate) from: DateTime<Utc>,
    /// `None` if it is not over.
    pub(crate) to: Option<DateTime<Utc>>,
}

/// The statuses that take time, in the order in which later ones are drawn over earlier ones, and how.
const DRAWN: [(TaskStatus, char, Style); 4] = [
    (TaskStatus::NotStarted, '·', DIM),
    (TaskStatus::Scheduled, '─', YELLOW),
    (TaskStatus::Ready, '░', YELLOW),
    (TaskStatus::Running, '█', CYAN),
];

/// The phases of a task whose events these are, in their order.
pub(crate) fn phases(events: &[ExecutionEvent]) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    let mut open: Option<(TaskStatus, DateTime<Utc>)> = None;
    for event in events {
        let Some(next) = status_after(event) else {
            continue;
        };
        if let Some((status, from)) = open {
            let to = Some(event.created_at);
            phases.push(Phase { status, from, to });
        }
        open = (!next.is_terminal()).then_some((next, event.created_at));
    }
    if let Some((status, from)) = open {
        let to = None;
        phases.push(Phase { status, from, to });
    }
    phases
}

/// The status that a task is in after an event; `None` for one of a pipeline.
fn status_after(event: &ExecutionEvent) -> Option<TaskStatus> {
    Some(match event.event_type {
        EventType::TaskCreated | EventType::TaskReset => TaskStatus::NotStarted,
        EventType::TaskScheduled | EventType::TaskDeferred => TaskStatus::Scheduled,
        EventType::TaskRetryScheduled if is_later(event) => TaskStatus::Scheduled,
        EventType::TaskRetryScheduled
        | EventType::TaskMarkedReady
        | EventType::TaskReleased
        | EventType::TaskRecovered
        | EventType::TaskRedriven => TaskStatus::Ready,
        EventType::TaskClaimed => TaskStatus::Running,
        EventType::TaskCompleted => TaskStatus::Completed,
        EventType::TaskFailed | EventType::TaskAbandoned => TaskStatus::Failed,
        EventType::TaskSkipped => TaskStatus::Skipped,
        EventType::TaskCancelled => TaskStatus::Cancelled,
        EventType::PipelineCreated
        | EventType::PipelineStarted
        | EventType::PipelinePaused
        | EventType::PipelineResumed
        | EventType::PipelineCompleted
        | EventType::PipelineFailed
        | EventType::PipelineCancelled
        | EventType::PipelineReopened => return None,
    })
}

/// Whether the next attempt waits for a time; without a delay, the task is ready at once.
fn is_later(event: &ExecutionEvent) -> bool {
    let due_at = event
        .event_data
        .as_ref()
        .and_then(|it| it["due_at"].as_str());
    let due_at = due_at.and_then(|it| DateTime::parse_from_rfc3339(it).ok());
    due_at.is_some_and(|due_at| due_at > event.created_at)
}

/// How long the task was in each status that takes time, in the order of [`DRAWN`]; what is not over lasts until now.
pub(crate) fn totals(phases: &[Phase], now: DateTime<Utc>) -> Vec<(TaskStatus, Duration)> {
    let mut totals = Vec::new();
    for (status, ..) in DRAWN {
        let phases = phases.iter().filter(|phase| phase.status == status);
        let lengths = phases.map(|it| between(it.from, it.to.unwrap_or(now)));
        let lengths: Vec<Duration> = lengths.collect();
        if !lengths.is_empty() {
            totals.push((status, lengths.iter().sum()));
        }
    }
    totals
}

pub(crate) fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    (to - from).to_std().unwrap_or_default()
}

/// What the marks mean, each with the time in its status if times are given.
pub(crate) fn legend(times: Option<&[(TaskStatus, Duration)]>) -> String {
    let mut words = Vec::new();
    for (status, mark, style) in DRAWN {
        let time = match times {
            None => String::new(),
            Some(times) => match times.iter().find(|time| time.0 == status) {
                Some((_, time)) => format!(" {}", text::duration(*time)),
                None => continue,
            },
        };
        words.push(format!("{style}{mark}{style:#} {status}{time}"));
    }
    words.join("   ")
}

/// A stretch of time, as so many characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: DateTime<Utc>,
    pub(crate) width: usize,
}

impl Axis {
    /// The phases as a line of marks. However short it was, a phase has one, unless a longer status needs the place.
    pub(crate) fn draw(&self, phases: &[Phase]) -> String {
        let mut line: Vec<Option<(char, Style)>> = vec![None; self.width];
        for (status, mark, style) in DRAWN {
            for phase in phases.iter().filter(|phase| phase.status == status) {
                let from = self.place(phase.from).min(self.width.saturating_sub(1));
                let to = self.place(phase.to.unwrap_or(self.to)).max(from + 1);
                line[from..to.min(self.width)].fill(Some((mark, style)));
            }
        }
        let end = line
            .iter()
            .rposition(Option::is_some)
            .map_or(0, |it| it + 1);
        let mut text = String::new();
        for run in line[..end].chunk_by(|a, b| a.map(|it| it.0) == b.map(|it| it.0)) {
            let _ = match run[0] {
                Some((mark, style)) => {
                    let marks = mark.to_string().repeat(run.len());
                    write!(text, "{style}{marks}{style:#}")
                }
                None => write!(text, "{}", " ".repeat(run.len())),
            };
        }
        text
    }

    /// On which character a moment falls.
    fn place(&self, moment: DateTime<Utc>) -> usize {
        let whole = between(self.from, self.to).as_micros().max(1);
        let part = between(self.from, moment).as_micros();
        let width = self.width as u128;
        usize::try_from((part * width / whole).min(width)).unwrap_or(self.width)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta, Utc};
    use serde_json::{Value, json};
    use taskbox_models::{EventType, ExecutionEvent, TaskStatus};

    use super::{Axis, phases, totals};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn event(seconds: i64, event_type: EventType, event_data: Option<Value>) -> ExecutionEvent {
        ExecutionEvent {
            id: seconds,
            pipeline_execution_id: None,
            task_execution_id: None,
            event_type,
            event_data,
            created_at: at(seconds),
            transaction_id: 0,
        }
    }

    fn retry(seconds: i64, due_at: i64) -> ExecutionEvent {
        let data = json!({"due_at": at(due_at).to_rfc3339()});
        event(seconds, EventType::TaskRetryScheduled, Some(data))
    }

    fn life() -> Vec<ExecutionEvent> {
        vec![
            event(0, EventType::TaskCreated, None),
            event(2, EventType::TaskMarkedReady, None),
            event(3, EventType::TaskClaimed, None),
            retry(5, 5),
            event(5, EventType::TaskClaimed, None),
            retry(6, 8),
            event(8, EventType::TaskMarkedReady, None),
            event(8, EventType::TaskClaimed, None),
        ]
    }

    fn drawn(events: &[ExecutionEvent]) -> String {
        let (from, to) = (at(0), at(10));
        let axis = Axis {
            from,
            to,
            width: 10,
        };
        anstream::adapter::strip_str(&axis.draw(&phases(events))).to_string()
    }

    #[test]
    fn a_life_is_drawn_with_what_is_not_over_up_to_the_end() {
        assert_eq!(drawn(&life()), "··░██▒──██".replace('▒', "█"));
        let mut ended = life();
        ended.push(event(9, EventType::TaskFailed, None));
        assert_eq!(drawn(&ended), "··░███──█");
        assert_eq!(drawn(&[]), "");
    }

    #[test]
    fn a_phase_has_a_mark_however_short_it_was() {
        let mut events = life();
        events.truncate(2);
        events.push(event(2, EventType::TaskClaimed, None));
        events.push(event(2, EventType::TaskCompleted, None));
        assert_eq!(drawn(&events), "··█");
    }

    #[test]
    fn a_task_that_comes_back_goes_on_after_a_gap() {
        let mut events = life();
        events.truncate(3);
        events.push(event(4, EventType::TaskCancelled, None));
        events.push(event(6, EventType::TaskRedriven, None));
        assert_eq!(drawn(&events), "··░█  ░░░░");
    }

    #[test]
    fn the_times_in_a_status_add_up() {
        let seconds = |seconds| Duration::from_secs(seconds);
        let expected = [
            (TaskStatus::NotStarted, seconds(2)),
            (TaskStatus::Scheduled, seconds(2)),
            (TaskStatus::Ready, seconds(1)),
            (TaskStatus::Running, seconds(5)),
        ];
        assert_eq!(totals(&phases(&life()), at(10)), expected);
    }
}
