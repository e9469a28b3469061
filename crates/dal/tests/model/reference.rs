//! What the documents promise, as plainly as it can be done in memory. It shares no rule with the DAL.

mod create;
mod moves;
mod workers;

use std::collections::{BTreeMap, BTreeSet};

use taskbox_models::{Conflict, EventType, TaskStatus};
use uuid::Uuid;

use self::{
    moves::{CANCEL, MARK_READY, SCHEDULE, SKIP},
    workers::{Held, Worker},
};
use crate::{
    operation::{Answer, Operation, Step},
    state::{Pipeline, State, in_their_order},
    work::Slot,
};

#[derive(Clone, Default)]
pub(crate) struct Reference {
    state: State,
    /// The rows of the outbox by age: the task, and the priority.
    rows: Vec<(Uuid, i32)>,
    /// The scheduled tasks whose time has come.
    due: BTreeSet<Uuid>,
    /// All that ever registered.
    workers: Vec<Worker>,
    slots: BTreeMap<Slot, usize>,
    /// All claims that were ever made, and those that count by their task.
    claims: Vec<Held>,
    running: BTreeMap<Uuid, Held>,
}

impl Reference {
    /// What each operation of the step may answer: where several things are wrong with it, any of them.
    pub(crate) fn run(&mut self, step: &Step) -> Vec<Vec<Answer>> {
        match step {
            Step::Alone(operation) => vec![self.answers(operation)],
            Step::Together(operations, commits) => {
                let before = self.clone();
                let answers = operations.iter().map(|it| self.answers(it)).collect();
                if !commits {
                    *self = before;
                }
                answers
            }
            Step::LoseRow(task) => {
                if self.status(*task) == Some(TaskStatus::Ready) {
                    self.remove_row(*task);
                }
                Vec::new()
            }
            Step::LeaveRow(task) => {
                let ended = [TaskStatus::Skipped, TaskStatus::Cancelled];
                if self.status(*task).is_some_and(|it| ended.contains(&it)) && !self.has_row(*task)
                {
                    self.rows.push((*task, 0));
                }
                Vec::new()
            }
            Step::MakeDue => {
                self.due.extend(self.scheduled());
                Vec::new()
            }
            Step::Expire(slot) => {
                self.expire(*slot);
                Vec::new()
            }
            Step::Recover => vec![vec![self.recover()]],
        }
    }

    /// What mends all that other software broke.
    pub(crate) fn repairs(&self) -> Vec<Step> {
        let mut repairs = Vec::new();
        for (id, task) in &self.state.tasks {
            match (task.status == TaskStatus::Ready, self.has_row(*id)) {
                (true, false) => repairs.push(Step::Alone(Operation::OutboxCreate(*id))),
                (false, true) => repairs.push(Step::Alone(Operation::OutboxDeleteByTask(*id))),
                _ => {}
            }
        }
        repairs
    }

    pub(crate) fn state(&self) -> State {
        let mut state = self.state.clone();
        let mut rows = self.rows.clone();
        rows.sort_by_key(|row| -row.1);
        state.outbox = rows.iter().map(|row| row.0).collect();
        state.schedule = self.scheduled();
        for pipeline in state.pipelines.values_mut() {
            pipeline.events = in_their_order(std::mem::take(&mut pipeline.events));
        }
        let running = self.running.iter();
        state.claims = running.map(|(id, held)| (*id, held.epoch)).collect();
        state.workers = self.workers.iter().filter(|it| it.is_there).count();
        state
    }

    fn answers(&mut self, operation: &Operation) -> Vec<Answer> {
        let answer = match operation {
            Operation::Create(new) => return self.create(std::slice::from_ref(new)),
            Operation::CreateMany(new) => return self.create(new),
            Operation::CreatePipeline(id) => self.create_pipeline(*id),
            Operation::MarkReady(task) => self.move_one(*task, &MARK_READY),
            Operation::MarkReadyMany(tasks) => Answer::Moved(self.move_many(tasks, &MARK_READY)),
            Operation::Schedule(task) => self.move_one(*task, &SCHEDULE),
            Operation::Skip(task) => self.move_one(*task, &SKIP),
            Operation::Cancel(task) => self.move_one(*task, &CANCEL),
            Operation::OutboxCreate(task) => self.publish(*task),
            Operation::OutboxDelete(task) | Operation::OutboxDeleteByTask(task) => {
                Answer::Deleted(self.remove_stale(|it| it == *task))
            }
            Operation::OutboxDeleteOlderThan(all) => Answer::Deleted(self.remove_stale(|_| *all)),
            Operation::Redrive(task) => self.redrive(*task),
            Operation::Work(work) => self.work(work),
        };
        vec![answer]
    }

    fn publish(&mut self, task: Uuid) -> Answer {
        match self.status(task) {
            None => Answer::NotFound("task", task),
            Some(TaskStatus::Ready) if self.has_row(task) => {
                conflict(task, &[], Some(TaskStatus::Ready))
            }
            Some(TaskStatus::Ready) => {
                self.rows.push((task, self.state.tasks[&task].priority));
                Answer::Published(task)
            }
            found => conflict(task, &[TaskStatus::Ready], found),
        }
    }

    /// Removes rows whose task isn't Ready.
    fn remove_stale(&mut self, chosen: impl Fn(Uuid) -> bool) -> usize {
        let before = self.rows.len();
        let tasks = &self.state.tasks;
        self.rows
            .retain(|(task, _)| !chosen(*task) || tasks[task].status == TaskStatus::Ready);
        before - self.rows.len()
    }

    fn remove_row(&mut self, task: Uuid) {
        self.rows.retain(|row| row.0 != task);
    }

    fn has_row(&self, task: Uuid) -> bool {
        self.rows.iter().any(|row| row.0 == task)
    }

    fn scheduled(&self) -> Vec<Uuid> {
        let tasks = self.state.tasks.iter();
        let scheduled = tasks.filter(|(_, task)| task.status == TaskStatus::Scheduled);
        scheduled.map(|(id, _)| *id).collect()
    }

    fn status(&self, task: Uuid) -> Option<TaskStatus> {
        self.state.tasks.get(&task).map(|task| task.status)
    }

    fn pipeline(&mut self, id: Uuid) -> &mut Pipeline {
        self.state.pipelines.get_mut(&id).unwrap()
    }

    fn log_pipeline(&mut self, id: Uuid, event: EventType) {
        self.pipeline(id).events.push((None, event));
    }

    fn log_task(&mut self, id: Uuid, event: EventType) {
        let task = self.state.tasks.get_mut(&id).unwrap();
        task.events.push(event);
        if let Some(pipeline) = task.pipeline {
            self.pipeline(pipeline).events.push((Some(id), event));
        }
    }
}

fn conflict(task: Uuid, expected: &[TaskStatus], found: Option<TaskStatus>) -> Answer {
    Answer::Conflict(Conflict {
        task,
        expected: expected.to_vec(),
        found,
    })
}
