//! What a transition changes in the pipeline of its tasks, and the events of that.

use taskbox_models::{EventType, PipelineStatus, Rule, TaskStatus, Transition};

use super::{Move, Transaction};
use crate::{Mutation, Pipeline};

impl Transaction<'_> {
    /// Starts or reopens the pipeline, writes the events of the tasks, counts those that ended or came back, and ends it
    /// with the last of them.
    pub(super) fn advance_pipeline(&mut self, rule: &Rule, moves: &[Move]) {
        let tasks = &self.protocol.size.tasks;
        let inside: Vec<Move> = moves
            .iter()
            .filter(|it| tasks[it.task].in_pipeline)
            .copied()
            .collect();
        let begins = begin_event(rule, self.database.pipeline.status);
        let begins = begins.filter(|_| !inside.is_empty());
        if let Some(event) = begins {
            self.log(None, event);
        }
        self.log_moves(rule, moves);
        if !rule.may_end() && !rule.brings_back() {
            if begins.is_some() {
                self.database.pipeline.status = PipelineStatus::Running;
            }
            return;
        }
        if self.count(rule, &inside) != 0 {
            self.follow_counters();
        }
    }

    fn log_moves(&mut self, rule: &Rule, moves: &[Move]) {
        if rule.transition == Transition::Claim && self.is(Mutation::ClaimWritesNoEvent) {
            return;
        }
        for it in moves {
            self.log(Some(it.task), it.outcome.event);
            if rule.transition == Transition::Cancel && self.is(Mutation::CancelWritesTwoEvents) {
                self.log(Some(it.task), it.outcome.event);
            }
        }
    }

    /// Changes the counters, and answers by how much that of the open tasks grew.
    fn count(&mut self, rule: &Rule, moves: &[Move]) -> i8 {
        let count = |is: fn(TaskStatus) -> bool| -> i8 {
            let one = |status| i8::from(is(status));
            moves
                .iter()
                .map(|it| one(it.outcome.to) - one(it.from))
                .sum()
        };
        let open = -count(TaskStatus::is_terminal);
        let forgets_ends = open < 0 && self.is(Mutation::EndDoesNotCount);
        let forgets_returns = rule.brings_back() && self.is(Mutation::RedriveDoesNotCount);
        if forgets_ends || forgets_returns {
            return 0;
        }
        let pipeline = &mut self.database.pipeline;
        pipeline.open_tasks += open;
        pipeline.failed_tasks += count(|status| status == TaskStatus::Failed);
        pipeline.cancelled_tasks += count(|status| status == TaskStatus::Cancelled);
        open
    }

    fn follow_counters(&mut self) {
        let pipeline = self.database.pipeline;
        if pipeline.open_tasks == 0 {
            let (status, event) = end_of(pipeline);
            self.database.pipeline.status = status;
            self.log(None, event);
        } else if pipeline.status != PipelineStatus::Paused {
            self.database.pipeline.status = PipelineStatus::Running;
        }
    }

    /// Whether the pipeline was stopped from being claimed.
    pub(crate) fn pause(&mut self) -> bool {
        use PipelineStatus::{Paused, Pending, Running};
        let status = &mut self.database.pipeline.status;
        if !matches!(*status, Pending | Running) {
            return false;
        }
        *status = Paused;
        self.log(None, EventType::PipelinePaused);
        if !self.is(Mutation::PauseHoldsNothing) {
            self.hold(true);
        }
        true
    }

    /// Whether the pipeline goes on.
    pub(crate) fn resume(&mut self) -> bool {
        if self.database.pipeline.status != PipelineStatus::Paused {
            return false;
        }
        let is_pending = self.is_untouched() && !self.is(Mutation::ResumeNeverWaits);
        self.database.pipeline.status = if is_pending {
            PipelineStatus::Pending
        } else {
            PipelineStatus::Running
        };
        self.log(None, EventType::PipelineResumed);
        if !self.is(Mutation::ResumeFreesNothing) {
            self.hold(false);
        }
        true
    }

    /// Whether the pipeline was ended by hand, with all that is live in it.
    pub(crate) fn cancel_pipeline(&mut self) -> bool {
        if self.database.pipeline.status.is_terminal() {
            return false;
        }
        let spares_running = self.is(Mutation::CancelOfPipelineSparesRunning);
        let live: Vec<usize> = self
            .database
            .made()
            .filter(|(task, row)| {
                self.protocol.size.tasks[*task].in_pipeline
                    && TaskStatus::LIVE.contains(&row.status)
                    && !(spares_running && row.status == TaskStatus::Running)
            })
            .map(|(task, _)| task)
            .collect();
        if live.is_empty() && self.database.pipeline.open_tasks == 0 {
            if self.is(Mutation::CancelOfPipelineNeedsTasks) {
                return false;
            }
            self.database.pipeline.status = PipelineStatus::Cancelled;
            self.log(None, EventType::PipelineCancelled);
            return true;
        }
        self.apply(Transition::Cancel, &live, super::Given::default())
    }
}

/// The event of a pipeline that goes on because of its task.
fn begin_event(rule: &Rule, status: PipelineStatus) -> Option<EventType> {
    if rule.leaves_not_started() && status == PipelineStatus::Pending {
        return Some(EventType::PipelineStarted);
    }
    let reopens = rule.brings_back() && status.is_terminal();
    reopens.then_some(EventType::PipelineReopened)
}

/// How a pipeline ends, by its counters.
fn end_of(pipeline: Pipeline) -> (PipelineStatus, EventType) {
    if pipeline.failed_tasks > 0 {
        (PipelineStatus::Failed, EventType::PipelineFailed)
    } else if pipeline.cancelled_tasks > 0 {
        (PipelineStatus::Cancelled, EventType::PipelineCancelled)
    } else {
        (PipelineStatus::Completed, EventType::PipelineCompleted)
    }
}
