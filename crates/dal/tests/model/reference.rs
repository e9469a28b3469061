//! What the documents promise, as plainly as it can be done in memory. It shares no rule with the DAL.

use std::collections::BTreeSet;

use taskbox_dal::Moved;
use taskbox_models::{Conflict, EventType, PipelineStatus, TaskStatus};
use uuid::Uuid;

use crate::{
    operation::{Answer, NewTask, Operation, Step},
    state::{Pipeline, State, Task},
};

#[derive(Clone, Default)]
pub(crate) struct Reference {
    state: State,
    /// The rows of the outbox by age: the task, and the priority.
    rows: Vec<(Uuid, i32)>,
}

/// Between which statuses a transition goes, and what it writes.
struct Arrow {
    from: &'static [TaskStatus],
    to: TaskStatus,
    event: EventType,
}

const MARK_READY: Arrow = Arrow {
    from: &[TaskStatus::NotStarted, TaskStatus::Scheduled],
    to: TaskStatus::Ready,
    event: EventType::TaskMarkedReady,
};

const SCHEDULE: Arrow = Arrow {
    from: &[TaskStatus::NotStarted],
    to: TaskStatus::Scheduled,
    event: EventType::TaskScheduled,
};

const SKIP: Arrow = Arrow {
    from: &[TaskStatus::NotStarted],
    to: TaskStatus::Skipped,
    event: EventType::TaskSkipped,
};

const CANCEL: Arrow = Arrow {
    from: &[
        TaskStatus::NotStarted,
        TaskStatus::Scheduled,
        TaskStatus::Ready,
        TaskStatus::Running,
    ],
    to: TaskStatus::Cancelled,
    event: EventType::TaskCancelled,
};

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
        let tasks = state.tasks.iter();
        state.schedule = tasks
            .filter(|(_, task)| task.status == TaskStatus::Scheduled)
            .map(|(id, _)| *id)
            .collect();
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
        };
        vec![answer]
    }

    fn create_pipeline(&mut self, id: Uuid) -> Answer {
        if self.state.pipelines.contains_key(&id) {
            return Answer::PipelineExists(id);
        }
        let pipeline = Pipeline {
            status: PipelineStatus::Pending,
            open: 0,
            failed: 0,
            cancelled: 0,
            events: Vec::new(),
        };
        self.state.pipelines.insert(id, pipeline);
        self.log_pipeline(id, EventType::PipelineCreated);
        Answer::Done
    }

    fn create(&mut self, new: &[NewTask]) -> Vec<Answer> {
        let refusals = self.refusals(new);
        if !refusals.is_empty() {
            return refusals;
        }
        let pipelines: BTreeSet<Uuid> = new.iter().filter_map(|new| new.pipeline).collect();
        for id in pipelines {
            let pipeline = self.pipeline(id);
            if pipeline.status.is_terminal() {
                pipeline.status = PipelineStatus::Running;
                self.log_pipeline(id, EventType::PipelineReopened);
            }
        }
        for new in new {
            let task = Task {
                pipeline: new.pipeline,
                priority: new.priority,
                queue: new.queue.to_owned(),
                status: TaskStatus::NotStarted,
                events: Vec::new(),
            };
            self.state.tasks.insert(new.id, task);
            self.log_task(new.id, EventType::TaskCreated);
            if let Some(id) = new.pipeline {
                self.pipeline(id).open += 1;
            }
        }
        let made = new.iter().map(|new| (new.id, TaskStatus::NotStarted));
        vec![Answer::Made(made.collect())]
    }

    fn refusals(&self, new: &[NewTask]) -> Vec<Answer> {
        let mut refusals = Vec::new();
        let mut ids = BTreeSet::new();
        let exists = |new: &NewTask| Some(conflict(new.id, &[], Some(self.status(new.id)?)));
        refusals.extend(new.iter().find_map(exists));
        for new in new {
            if !ids.insert(new.id) {
                refusals.push(Answer::InvalidInput("id"));
            }
            if let Some(id) = new.pipeline {
                match self.state.pipelines.get(&id).map(|it| it.status) {
                    None => refusals.push(Answer::NotFound("pipeline", id)),
                    Some(PipelineStatus::Cancelled) => refusals.push(Answer::PipelineClosed(id)),
                    Some(_) => {}
                }
            }
        }
        refusals
    }

    fn move_one(&mut self, task: Uuid, arrow: &Arrow) -> Answer {
        match self.move_many(&[task], arrow).refused.pop() {
            None => Answer::Done,
            Some(refused) if refused.found.is_none() => Answer::NotFound("task", task),
            Some(refused) => Answer::Conflict(refused),
        }
    }

    fn move_many(&mut self, tasks: &[Uuid], arrow: &Arrow) -> Moved {
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
        let moved = answer
            .moved
            .iter()
            .filter_map(|task| self.state.tasks.get(task)?.pipeline);
        let pipelines: BTreeSet<Uuid> = moved.collect();
        for id in &pipelines {
            self.start(*id);
        }
        for task in &answer.moved {
            self.move_task(*task, arrow);
        }
        for id in &pipelines {
            self.end(*id);
        }
        answer
    }

    fn move_task(&mut self, id: Uuid, arrow: &Arrow) {
        self.remove_row(id);
        let Some(task) = self.state.tasks.get_mut(&id) else {
            return;
        };
        task.status = arrow.to;
        if arrow.to == TaskStatus::Ready {
            self.rows.push((id, task.priority));
        }
        if let Some(pipeline) = task.pipeline {
            let pipeline = self.pipeline(pipeline);
            pipeline.open -= i32::from(arrow.to.is_terminal());
            pipeline.cancelled += i32::from(arrow.to == TaskStatus::Cancelled);
        }
        self.log_task(id, arrow.event);
    }

    /// The first of its tasks leaves `NotStarted`.
    fn start(&mut self, id: Uuid) {
        let pipeline = self.pipeline(id);
        if pipeline.status == PipelineStatus::Pending {
            pipeline.status = PipelineStatus::Running;
            self.log_pipeline(id, EventType::PipelineStarted);
        }
    }

    /// The last of its tasks may have ended. None can fail here, since no worker runs them.
    fn end(&mut self, id: Uuid) {
        let pipeline = self.pipeline(id);
        if pipeline.open > 0 {
            return;
        }
        let (status, event) = if pipeline.cancelled > 0 {
            (PipelineStatus::Cancelled, EventType::PipelineCancelled)
        } else {
            (PipelineStatus::Completed, EventType::PipelineCompleted)
        };
        pipeline.status = status;
        self.log_pipeline(id, event);
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
