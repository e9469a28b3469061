//! What the commands that change something have in common: they find their subjects, say what they will do, and do it
//! to one after the other.

use std::io::Write;

use clap::Args;
use taskbox_dal::DAL;
use taskbox_models::{PipelineExecution, PipelineStatus, TaskExecution, TaskStatus};
use uuid::Uuid;

use crate::{
    Error, Result,
    output::Output,
    table::{Cell, Table},
    text,
};

/// Whether it is only said what would be done.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DryRun {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What a command does.
pub(crate) struct Deed {
    /// As in "will cancel".
    pub(crate) verb: &'static str,
    /// As in "cancelled 2 tasks".
    pub(crate) done: &'static str,
    /// The statuses in which a task takes it; none if it is nothing for tasks.
    pub(crate) tasks: &'static [TaskStatus],
    /// The same for pipelines.
    pub(crate) pipelines: &'static [PipelineStatus],
}

/// The statuses of a pipeline that has not ended.
pub(crate) const OPEN: &[PipelineStatus] = &[
    PipelineStatus::Pending,
    PipelineStatus::Running,
    PipelineStatus::Paused,
];

/// What it is done to.
pub(crate) enum Subject {
    Task(Box<TaskExecution>),
    Pipeline(Box<PipelineExecution>),
}

impl Subject {
    pub(crate) fn id(&self) -> Uuid {
        match self {
            Self::Task(task) => task.id,
            Self::Pipeline(pipeline) => pipeline.id,
        }
    }

    fn row(&self) -> [Cell; 4] {
        match self {
            Self::Task(task) => [
                Cell::new("task"),
                Cell::new(task.id.to_string()),
                Cell::new(&task.task_name),
                text::task_status(task.status),
            ],
            Self::Pipeline(pipeline) => [
                Cell::new("pipeline"),
                Cell::new(pipeline.id.to_string()),
                Cell::new(format!(
                    "{} ({})",
                    pipeline.name,
                    text::count(pipeline.open_tasks, "open task")
                )),
                text::pipeline_status(pipeline.status),
            ],
        }
    }
}

impl Deed {
    /// The tasks and pipelines of these ids, in their order and each once. Those that there are not, or that the deed
    /// is nothing for, are an error.
    pub(crate) async fn find(&self, dal: &DAL, ids: &[Uuid]) -> Result<Vec<Subject>> {
        let mut subjects: Vec<Subject> = Vec::new();
        for id in ids {
            if subjects.iter().all(|subject| subject.id() != *id) {
                subjects.push(self.find_one(dal, *id).await?);
            }
        }
        Ok(subjects)
    }

    async fn find_one(&self, dal: &DAL, id: Uuid) -> Result<Subject> {
        if !self.tasks.is_empty() {
            match dal.task_execution().get(id).await {
                Ok(task) => return self.task(task),
                Err(taskbox_dal::Error::NotFound { .. }) if !self.pipelines.is_empty() => {}
                Err(error) => return Err(error.into()),
            }
        }
        match dal.pipeline_execution().get(id).await {
            Ok(pipeline) => self.pipeline(pipeline),
            Err(taskbox_dal::Error::NotFound { .. }) if !self.tasks.is_empty() => Err(
                Error::Refused(format!("there is no task and no pipeline {id}")),
            ),
            Err(error) => Err(error.into()),
        }
    }

    fn task(&self, task: TaskExecution) -> Result<Subject> {
        if self.tasks.contains(&task.status) {
            return Ok(Subject::Task(Box::new(task)));
        }
        let expected: Vec<_> = self.tasks.iter().map(|status| status.as_str()).collect();
        self.refuse("task", task.id, task.status.as_str(), &expected)
    }

    fn pipeline(&self, pipeline: PipelineExecution) -> Result<Subject> {
        if self.pipelines.contains(&pipeline.status) {
            return Ok(Subject::Pipeline(Box::new(pipeline)));
        }
        let expected: Vec<_> = self
            .pipelines
            .iter()
            .map(|status| status.as_str())
            .collect();
        self.refuse("pipeline", pipeline.id, pipeline.status.as_str(), &expected)
    }

    fn refuse(&self, what: &str, id: Uuid, found: &str, expected: &[&str]) -> Result<Subject> {
        Err(Error::Refused(format!(
            "cannot {} {what} {id}: it is {found}, expected {}; nothing was changed",
            self.verb,
            expected.join(" or ")
        )))
    }

    /// Says what will be done to the subjects, and does it, unless it is only to be said. One that is refused, since it
    /// has moved on meanwhile, does not keep the others from it.
    pub(crate) async fn run(
        &self,
        subjects: &[Subject],
        mode: DryRun,
        out: &mut Output,
        act: impl AsyncFn(&Subject) -> taskbox_dal::Result<()>,
    ) -> Result<()> {
        let will = if mode.dry_run { "would" } else { "will" };
        if subjects.is_empty() {
            writeln!(out, "nothing to {}", self.verb)?;
            return Ok(());
        }
        writeln!(out, "{will} {} {}:\n", self.verb, things(subjects))?;
        let mut table = Table::new(["", "id", "name", "status"]);
        for subject in subjects {
            table.row(subject.row());
        }
        table.write(out)?;
        if mode.dry_run {
            writeln!(out, "\nnothing was changed")?;
            return Ok(());
        }
        let mut refused = Vec::new();
        for subject in subjects {
            match act(subject).await {
                Ok(()) => {}
                Err(error) if Error::is_refusal(&error) => refused.push(error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        let done = subjects.len() - refused.len();
        writeln!(out, "\n{} {} of {}", self.done, done, subjects.len())?;
        match refused.first() {
            None => Ok(()),
            Some(first) => Err(Error::Refused(format!(
                "{} of {} refused; the first: {first}",
                refused.len(),
                subjects.len()
            ))),
        }
    }
}

/// As in "2 tasks and 1 pipeline".
fn things(subjects: &[Subject]) -> String {
    let is_task = |subject: &&Subject| matches!(subject, Subject::Task(_));
    let tasks = subjects.iter().filter(is_task).count();
    let words = [(tasks, "task"), (subjects.len() - tasks, "pipeline")];
    let words = words.iter().filter(|(count, _)| *count > 0);
    let words: Vec<_> = words
        .map(|(count, thing)| text::count(*count as i128, thing))
        .collect();
    words.join(" and ")
}
