//! One transaction, and the one function by which tasks move in it.
//!
//! It follows `apply` of `taskbox-dal`: what a transition does is read off its [`Rule`], in the same order. Guarded task
//! rows move, then the live tables follow, then the pipeline, then the events are written.

mod attempts;
mod calls;
mod live_tables;
mod pipeline;
mod release;
mod workers;

use taskbox_models::{Change, Condition, EventType, Outcome, Rule, TaskStatus, Transition};

use crate::{Database, Mutation, Protocol, Task};

/// A transaction: the database as it is in it. Nobody else sees that before it is committed, and a refused one is dropped.
pub(crate) struct Transaction<'a> {
    pub(crate) protocol: &'a Protocol,
    pub(crate) database: Database,
    /// The history that it writes.
    pub(crate) events: Vec<Event>,
}

/// A row of `execution_events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The task; `None` for an event of the pipeline.
    pub(crate) task: Option<usize>,
    pub(crate) event_type: EventType,
}

/// What a rule needs beside the tasks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given {
    /// Who claims.
    worker: Option<usize>,
    /// Whether a retry has a delay.
    has_delay: bool,
    /// Whether tasks are skipped because of another.
    is_for_another: bool,
}

/// A task that moves.
#[derive(Clone, Copy, Debug)]
struct Move {
    task: usize,
    from: TaskStatus,
    outcome: Outcome,
}

impl<'a> Transaction<'a> {
    pub(crate) fn begin(protocol: &'a Protocol, database: Database) -> Self {
        Self {
            protocol,
            database,
            events: Vec::new(),
        }
    }

    pub(crate) fn is(&self, mutation: Mutation) -> bool {
        self.protocol.mutation == Some(mutation)
    }

    /// Moves the tasks that the rule lets go, with what follows from it for others. Answers whether any moved.
    fn apply(&mut self, transition: Transition, tasks: &[usize], given: Given) -> bool {
        let moves = self.apply_alone(transition, tasks, given);
        let ended = moves.iter().filter(|it| it.outcome.to.is_terminal());
        let ended: Vec<usize> = ended.map(|it| it.task).collect();
        if !ended.is_empty() {
            self.release_dependents(ended);
        }
        if self.protocol.rule(transition).brings_back() {
            let back = moves.iter().map(|it| it.task).collect();
            self.wait_again(back);
        }
        !moves.is_empty()
    }

    /// Moves tasks without what follows from it for others.
    fn apply_alone(&mut self, transition: Transition, tasks: &[usize], given: Given) -> Vec<Move> {
        let rule = self.protocol.rule(transition);
        let tasks = tasks.iter();
        let moves: Vec<Move> = tasks
            .filter_map(|task| self.decide(rule, *task, given))
            .collect();
        for it in &moves {
            self.change_task(it, given);
            self.leave_live_table(rule, it);
            self.enter_live_table(rule, it, given);
        }
        self.advance_pipeline(rule, &moves);
        moves
    }

    /// Whether the rule lets the task go, and where.
    fn decide(&self, rule: &'static Rule, task: usize, given: Given) -> Option<Move> {
        let row = self.database.tasks[task]?;
        let goes = rule.from.contains(&row.status) && self.guard(rule, row);
        let max_attempts = self.protocol.size.tasks[task].max_attempts;
        let is_met = |outcome: &&Outcome| match outcome.when {
            None => true,
            Some(Condition::AttemptsLeftAndDelay) => row.attempt < max_attempts && given.has_delay,
            Some(Condition::AttemptsLeftAndNoDelay) => {
                row.attempt < max_attempts && !given.has_delay
            }
            Some(Condition::AttemptsUsedUp) => row.attempt >= max_attempts,
            Some(Condition::RecoveriesLeft) => row.recoveries < self.protocol.size.max_recoveries,
            Some(Condition::RecoveriesUsedUp) => {
                row.recoveries >= self.protocol.size.max_recoveries
            }
        };
        let outcome = *rule.outcomes.iter().find(is_met)?;
        goes.then_some(Move {
            task,
            from: row.status,
            outcome,
        })
    }

    /// A task that waits for others does not become ready by hand.
    fn guard(&self, rule: &Rule, row: Task) -> bool {
        !rule.leaves_not_started()
            || rule.may_end()
            || row.status != TaskStatus::NotStarted
            || row.open_dependencies == 0
            || self.is(Mutation::MarkReadyIgnoresDependencies)
    }

    fn change_task(&mut self, it: &Move, given: Given) {
        let resets_epoch = self.is(Mutation::RedriveResetsEpoch);
        let Some(row) = self.database.tasks[it.task].as_mut() else {
            return;
        };
        row.status = it.outcome.to;
        row.is_skipped_for_another = row.status == TaskStatus::Skipped && given.is_for_another;
        for change in it.outcome.changes {
            match change {
                Change::TakeAttempt => {
                    row.attempt += 1;
                    row.epoch += 1;
                }
                Change::GiveAttemptBack => row.attempt = row.attempt.saturating_sub(1),
                Change::CountRecovery => row.recoveries += 1,
                Change::FreshAttempts => {
                    row.attempt = 0;
                    row.recoveries = 0;
                    if resets_epoch {
                        row.epoch = 0;
                    }
                }
                Change::SetOutput => {}
            }
        }
    }

    fn log(&mut self, task: Option<usize>, event_type: EventType) {
        self.events.push(Event { task, event_type });
    }
}
