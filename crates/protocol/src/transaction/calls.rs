//! The calls of the public interface that name a task. Each answers whether anything moved.

use taskbox_models::{EventType, PipelineStatus, Transition};

use super::{Given, Transaction};
use crate::{Mutation, Task};

impl Transaction<'_> {
    /// Inserts a task into a pipeline that takes it, and counts it there.
    pub(super) fn insert(&mut self, task: usize, open_dependencies: i8) -> bool {
        let rule = self.protocol.rule(Transition::Create);
        if self.protocol.size.tasks[task].in_pipeline && !self.admit() {
            return false;
        }
        self.database.tasks[task] = Some(Task {
            status: rule.outcomes[0].to,
            attempt: 0,
            recoveries: 0,
            epoch: 0,
            open_dependencies,
            is_skipped_for_another: false,
        });
        self.log(Some(task), rule.outcomes[0].event);
        true
    }

    /// Counts a new task in the pipeline, which is reopened if it had ended; a cancelled one takes none.
    fn admit(&mut self) -> bool {
        let reopens = match self.database.pipeline.status {
            PipelineStatus::Cancelled => return false,
            PipelineStatus::Completed | PipelineStatus::Failed => true,
            PipelineStatus::Pending | PipelineStatus::Running | PipelineStatus::Paused => false,
        };
        if reopens && !self.is(Mutation::CreateDoesNotReopen) {
            self.database.pipeline.status = PipelineStatus::Running;
            self.log(None, EventType::PipelineReopened);
        }
        if !self.is(Mutation::CreateDoesNotCount) {
            self.database.pipeline.open_tasks += 1;
        }
        true
    }

    pub(crate) fn mark_ready(&mut self, task: usize) -> bool {
        self.apply(Transition::MarkReady, &[task], Given::default())
    }

    pub(crate) fn schedule(&mut self, task: usize) -> bool {
        self.apply(Transition::Schedule, &[task], Given::default())
    }

    /// Makes a scheduled task ready whose time has come.
    pub(crate) fn promote(&mut self, task: usize) -> bool {
        self.database.schedule[task] && self.apply(Transition::MarkReady, &[task], Given::default())
    }

    pub(crate) fn skip(&mut self, task: usize) -> bool {
        self.apply(Transition::Skip, &[task], Given::default())
    }

    pub(crate) fn cancel(&mut self, task: usize) -> bool {
        self.apply(Transition::Cancel, &[task], Given::default())
    }

    pub(crate) fn redrive(&mut self, task: usize) -> bool {
        self.apply(Transition::Redrive, &[task], Given::default())
    }
}
