//! What no step may do, whatever state it leaves.

use taskbox_models::{EventType, RunWhen, TaskStatus};

use crate::{
    Action, ClaimRow, MOST_TASKS, OnPipeline, OnTask, World, history, transaction::Transaction,
};

/// Something that no step may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// A task moved without its event, or an event was written without a move.
    TaskEvents,
    /// The same of the pipeline.
    PipelineEvents,
    /// A task became Running otherwise than by a claim that took its free row from the outbox.
    OtherWayIn,
    /// A claim that is not the task's changed something.
    StaleClaim,
    /// A claim that is the task's was refused.
    HolderRefused,
    /// A task was taken from a worker whose lease lasts.
    LeaseBroken,
    /// The epoch does not count the claims.
    Epoch,
    /// The attempts or recoveries do not count what happened.
    Attempts,
    /// The end of a claim was recorded twice.
    TwoEnds,
    /// A task was released before those that it waits for ended as it needs.
    TooEarly,
    /// A task was reset that was skipped by hand, or that nothing was redriven for.
    ResetOfOthers,
    /// A pipeline was cancelled and has not ended.
    CancelledInPart,
}

/// A set of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Breaches(u16);

impl Breaches {
    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, breach: Breach) -> bool {
        self.0 & (1 << breach as u16) != 0
    }

    fn note(&mut self, breach: Breach, is_breach: bool) {
        if is_breach {
            self.0 |= 1 << breach as u16;
        }
    }
}

/// Looks at a step, and keeps the book on which claims have ended.
pub(crate) fn audit(
    before: &World,
    action: Action,
    tx: &Transaction<'_>,
) -> (Breaches, [u8; MOST_TASKS]) {
    let step = Step { before, action, tx };
    let mut breaches = Breaches::default();
    let mut recorded = before.recorded;
    for (task, recorded) in recorded.iter_mut().enumerate() {
        step.audit_task(task, recorded, &mut breaches);
    }
    let pipeline_tells = history::tells_of_pipeline(&before.database, &tx.database, &tx.events);
    breaches.note(Breach::PipelineEvents, !pipeline_tells);
    if let Action::End { task, claim, .. } = action {
        step.audit_end(task, claim, &mut breaches);
    }
    let cancels = action == Action::Pipeline(OnPipeline::Cancel);
    let has_ended = tx.database.pipeline.status.is_terminal();
    breaches.note(Breach::CancelledInPart, cancels && !has_ended);
    (breaches, recorded)
}

struct Step<'a> {
    before: &'a World,
    action: Action,
    tx: &'a Transaction<'a>,
}

impl Step<'_> {
    fn audit_task(&self, task: usize, recorded: &mut u8, breaches: &mut Breaches) {
        let (before, after) = (&self.before.database, &self.tx.database);
        let tells = history::tells(before, after, &self.tx.events, task);
        breaches.note(Breach::TaskEvents, !tells);
        if after.tasks[task] == before.tasks[task] && self.tx.events.is_empty() {
            return;
        }
        breaches.note(Breach::OtherWayIn, self.is_other_way_in(task));
        breaches.note(Breach::LeaseBroken, self.breaks_lease(task));
        let (epoch, attempts) = self.counts(task);
        breaches.note(Breach::Epoch, !epoch);
        breaches.note(Breach::Attempts, !attempts);
        breaches.note(Breach::TwoEnds, self.ends_twice(task, recorded));
        breaches.note(Breach::TooEarly, self.is_too_early(task));
        breaches.note(Breach::ResetOfOthers, self.resets_others(task));
    }

    fn is_other_way_in(&self, task: usize) -> bool {
        let (before, after) = (&self.before.database, &self.tx.database);
        let is_running = |row: Option<TaskStatus>| row == Some(TaskStatus::Running);
        let enters = is_running(after.status(task))
            && (!is_running(before.status(task)) || before.claims[task] != after.claims[task]);
        let by_claim = matches!(self.action, Action::Claim { worker, task: claimed, .. }
            if claimed == task && before.is_live(worker));
        let was_free = before.outbox[task].is_some_and(|row| !row.held);
        enters && !(by_claim && was_free && after.outbox[task].is_none())
    }

    fn breaks_lease(&self, task: usize) -> bool {
        let before = &self.before.database;
        let recovers = self.action == Action::Task(OnTask::Recover, task);
        recovers && before.claims[task].is_some_and(|row| before.is_live(row.worker))
    }

    /// Whether the epoch, and the attempts and recoveries, count what the events say.
    fn counts(&self, task: usize) -> (bool, bool) {
        let Some(after) = self.tx.database.tasks[task] else {
            return (true, true);
        };
        let before = self.before.database.tasks[task];
        let (mut epoch, mut attempt, mut recoveries) =
            before.map_or((0, 0, 0), |row| (row.epoch, row.attempt, row.recoveries));
        for event in history::of_task(&self.tx.events, task) {
            match event {
                EventType::TaskClaimed => {
                    epoch += 1;
                    attempt += 1;
                }
                EventType::TaskDeferred | EventType::TaskReleased => {
                    attempt = attempt.saturating_sub(1);
                }
                EventType::TaskRecovered => recoveries += 1,
                EventType::TaskRedriven => (attempt, recoveries) = (0, 0),
                _ => {}
            }
        }
        let counts = (after.attempt, after.recoveries) == (attempt, recoveries);
        (after.epoch == epoch, counts)
    }

    /// Each claim ends once, by its holder or by another.
    fn ends_twice(&self, task: usize, recorded: &mut u8) -> bool {
        let row = self.before.database.tasks[task];
        let mut events = history::of_task(&self.tx.events, task);
        let ends = events.any(|event| match event {
            EventType::TaskCompleted
            | EventType::TaskFailed
            | EventType::TaskRetryScheduled
            | EventType::TaskDeferred
            | EventType::TaskReleased
            | EventType::TaskRecovered
            | EventType::TaskAbandoned => true,
            EventType::TaskCancelled => row.is_some_and(|it| it.status == TaskStatus::Running),
            _ => false,
        });
        let Some(row) = row.filter(|_| ends) else {
            return false;
        };
        let is_second = *recorded >= row.epoch;
        *recorded = row.epoch;
        is_second
    }

    fn is_too_early(&self, task: usize) -> bool {
        let (before, after) = (&self.before.database, &self.tx.database);
        let was_waiting = matches!(before.status(task), None | Some(TaskStatus::NotStarted));
        let is_released = matches!(
            after.status(task),
            Some(TaskStatus::Ready | TaskStatus::Scheduled | TaskStatus::Running)
        );
        let Some(plan) = self.tx.protocol.size.tasks.get(task) else {
            return false;
        };
        let fits = |id: &usize| match (after.status(*id), plan.run_when) {
            (Some(status), RunWhen::AllDone) => status.is_terminal(),
            (status, RunWhen::AllCompleted) => status == Some(TaskStatus::Completed),
            (None, RunWhen::AllDone) => false,
        };
        was_waiting && is_released && !plan.after.iter().all(fits)
    }

    fn resets_others(&self, task: usize) -> bool {
        let Some(row) = self.before.database.tasks[task] else {
            return false;
        };
        let comes_back = row.status == TaskStatus::Skipped
            && self.tx.database.status(task) != Some(TaskStatus::Skipped);
        let by_redrive = matches!(self.action, Action::Task(OnTask::Redrive, _));
        comes_back && !(row.is_skipped_for_another && by_redrive)
    }

    /// A claim that is the task's is heard, and another changes nothing.
    fn audit_end(&self, task: usize, claim: ClaimRow, breaches: &mut Breaches) {
        let (before, after) = (&self.before.database, &self.tx.database);
        let is_current = before.claims[task] == Some(claim)
            && before.status(task) == Some(TaskStatus::Running)
            && before.is_live(claim.worker);
        let is_changed = before != after || !self.tx.events.is_empty();
        breaches.note(Breach::StaleClaim, !is_current && is_changed);
        breaches.note(Breach::HolderRefused, is_current && !is_changed);
    }
}
