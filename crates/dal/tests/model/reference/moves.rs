//! The ways of a task, and what goes with each step: its row, its pipeline, the history.

use std::collections::BTreeSet;

use taskbox_dal::Moved;
use taskbox_models::{Conflict, EventType, PipelineStatus, TaskStatus};
use uuid::Uuid;

use super::Reference;
use crate::operation::Answer;

/// Between which statuses a transition goes, and what it writes.
pub(super) struct Arrow {
    from: &'static [TaskStatus],
    to: TaskStatus,
    event: EventType,
}

pub(super) const MARK_READY: Arrow = Arrow {
    from: &[TaskStatus::NotStarted, TaskStatus::Scheduled],
    to: TaskStatus::Ready,
    event: EventType::TaskMarkedReady,
};

pub(super) const SCHEDULE: Arrow = Arrow {
    from: &[TaskStatus::NotStarted],
    to: TaskStatus::Scheduled,
    event: EventType::TaskScheduled,
};

pub(super) const SKIP: Arrow = Arrow {
    from: &[TaskStatus::NotStarted],
    to: TaskStatus::Skipped,
    event: EventType::TaskSkipped,
};

pub(super) const CANCEL: Arrow = Arrow {
    from: &[
        TaskStatus::NotStarted,
        TaskStatus::Scheduled,
        TaskStatus::Ready,
        TaskStatus::Running,
    ],
    to: TaskStatus::Cancelled,
    event: EventType::TaskCancelled,
};

pub(super) const REDRIVE: Arrow = Arrow {
    from: &[TaskStatus::Failed, TaskStatus::Cancelled],
    to: TaskStatus::Ready,
    event: EventType::TaskRedriven,
};

pub(super) const CLAIM: Arrow = Arrow {
    from: &[TaskStatus::Ready],
    to: TaskStatus::Running,
    event: EventType::TaskClaimed,
};

pub(super) const COMPLETE: Arrow = Arrow {
    from: &[TaskStatus::Running],
    to: TaskStatus::Completed,
    event: EventType::TaskCompleted,
};

pub(super) const FAIL: Arrow = Arrow {
    from: &[TaskStatus::Running],
    to: TaskStatus::Failed,
    event: EventType::TaskFailed,
};

pub(super) const RETRY_LATER: Arrow = Arrow {
    from: &[TaskStatus::Running],
    to: TaskStatus::Scheduled,
    event: EventType::TaskRetryScheduled,
};

pub(super) const RETRY_AT_ONCE: Arrow = Arrow {
    from: &[TaskStatus::Running],
    to: TaskStatus::Ready,
    event: EventType::TaskRetryScheduled,
};

pub(super) const DEFER: Arrow = Arrow {
    from: &[TaskStatus::Running],
    to: TaskStatus::Scheduled,
    event: EventType::TaskDeferred,
};

pub(super) const RELEASE: Arrow = Arrow {
    from: &[TaskStatus::Running],
    to: TaskStatus::Ready,
    event: EventType::TaskReleased,
};

pub(super) const RECOVER: Arrow = Arrow {
    from: &[TaskStatus::Running],
    to: TaskStatus::Ready,
    event: EventType::TaskRecovered,
};

pub(super) const ABANDON: Arrow = Arrow {
    from: &[TaskStatus::Running],
    to: TaskStatus::Failed,
    event: EventType::TaskAbandoned,
};

impl Reference {
    pub(super) fn move_one(&mut self, task: Uuid, arrow: &Arrow) -> Answer {
        match self.move_many(&[task], arrow).refused.pop() {
            None => Answer::Done,
            Some(refused) if refused.found.is_none() => Answer::NotFound("task", task),
            Some(refused) => Answer::Conflict(refused),
        }
    }

    pub(super) fn move_many(&mut self, tasks: &[Uuid], arrow: &Arrow) -> Moved {
        let mut answer = Moved::default();
        let mut seen = BTreeSet::new();
        for task in tasks.iter().copied().filter(|task| seen.insert(*task)) {
            match self.status(task) {
                Some(found) if arrow.from.contains(&found) => answer.moved.push(task),
                found => answer.refused.push(Conflict {
                    task,
                    expected: arrow.from.to_vec(),
                    found,
                }),
            }
        }
        self.move_all(&answer.moved, arrow);
        answer
    }

    /// Tasks that may go this way, together.
    pub(super) fn move_all(&mut self, tasks: &[Uuid], arrow: &Arrow) {
        let ways: Vec<_> = tasks.iter().map(|task| (*task, arrow)).collect();
        self.move_each(&ways);
    }

    pub(super) fn move_each(&mut self, ways: &[(Uuid, &Arrow)]) {
        let pipelines = ways
            .iter()
            .filter_map(|(task, _)| self.state.tasks.get(task)?.pipeline);
        let pipelines: BTreeSet<Uuid> = pipelines.collect();
        for id in &pipelines {
            self.begin(*id);
        }
        for (task, arrow) in ways {
            self.move_task(*task, arrow);
        }
        for id in &pipelines {
            self.end(*id);
        }
    }

    fn move_task(&mut self, id: Uuid, arrow: &Arrow) {
        self.remove_row(id);
        self.due.remove(&id);
        self.leave_worker(id, arrow.to);
        let Some(task) = self.state.tasks.get_mut(&id) else {
            return;
        };
        let from = std::mem::replace(&mut task.status, arrow.to);
        if arrow.to == TaskStatus::Ready {
            self.rows.push((id, task.priority));
        }
        if let Some(pipeline) = task.pipeline {
            let pipeline = self.pipeline(pipeline);
            for (status, by) in [(from, -1), (arrow.to, 1)] {
                pipeline.open += by * i32::from(!status.is_terminal());
                pipeline.failed += by * i32::from(status == TaskStatus::Failed);
                pipeline.cancelled += by * i32::from(status == TaskStatus::Cancelled);
            }
        }
        self.log_task(id, arrow.event);
    }

    /// The first of its tasks leaves `NotStarted`, or one comes back after all had ended.
    fn begin(&mut self, id: Uuid) {
        let pipeline = self.pipeline(id);
        let event = match pipeline.status {
            PipelineStatus::Pending => EventType::PipelineStarted,
            status if status.is_terminal() => EventType::PipelineReopened,
            _ => return,
        };
        pipeline.status = PipelineStatus::Running;
        self.log_pipeline(id, event);
    }

    /// The last of its tasks may have ended.
    fn end(&mut self, id: Uuid) {
        let pipeline = self.pipeline(id);
        if pipeline.open > 0 {
            return;
        }
        let (status, event) = if pipeline.failed > 0 {
            (PipelineStatus::Failed, EventType::PipelineFailed)
        } else if pipeline.cancelled > 0 {
            (PipelineStatus::Cancelled, EventType::PipelineCancelled)
        } else {
            (PipelineStatus::Completed, EventType::PipelineCompleted)
        };
        pipeline.status = status;
        self.log_pipeline(id, event);
    }
}
