//! Making pipelines and tasks.

use std::collections::BTreeSet;

use taskbox_models::{EventType, PipelineStatus, TaskStatus};
use uuid::Uuid;

use super::{Reference, conflict};
use crate::{
    operation::{Answer, NewTask},
    state::{Pipeline, Task},
};

impl Reference {
    pub(super) fn create_pipeline(&mut self, id: Uuid) -> Answer {
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

    pub(super) fn create(&mut self, new: &[NewTask]) -> Vec<Answer> {
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
                attempt: 0,
                recoveries: 0,
                epoch: 0,
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
}
