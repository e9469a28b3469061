use std::io::Write;

use clap::Args;
use taskbox_dal::TaskFilter;
use taskbox_models::{TaskExecution, TaskStatus};
use uuid::Uuid;

use crate::{
    Result,
    arguments::{Database, Form, Page, task_status},
    output::{Output, json},
    table::{Cell, Table},
    text,
};

/// List tasks, newest first
///
/// With filters, no more than 10,000 tasks are looked through: those of the pipeline, else those that are Ready,
/// Running or Scheduled, else those that failed, were skipped or were cancelled last, else the newest.
#[derive(Debug, Args)]
pub(crate) struct Tasks {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Only those of this status
    #[arg(long, ignore_case = true, value_parser = task_status())]
    pub(super) status: Option<TaskStatus>,
    /// Only those of this queue
    #[arg(long)]
    pub(super) queue: Option<String>,
    /// Only those of this name
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Only those of this pipeline
    #[arg(long, value_name = "ID")]
    pub(super) pipeline: Option<Uuid>,
}

impl Tasks {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let mut filter = self.filter.of_tasks();
        if let Some(before) = self.page.before {
            filter = filter.before(before);
        }
        let tasks = dal.task_execution().list(&filter, self.page.limit).await?;
        if self.form.json {
            return json(out, &tasks);
        }
        if tasks.is_empty() {
            writeln!(out, "no task")?;
            return Ok(());
        }
        table(&tasks).write(out)
    }
}

impl Filter {
    pub(super) fn of_tasks(&self) -> TaskFilter {
        let mut filter = TaskFilter::default();
        if let Some(status) = self.status {
            filter = filter.status(status);
        }
        if let Some(queue) = &self.queue {
            filter = filter.queue(queue);
        }
        if let Some(name) = &self.name {
            filter = filter.task_name(name);
        }
        if let Some(pipeline) = self.pipeline {
            filter = filter.pipeline(pipeline);
        }
        filter
    }
}

fn table(tasks: &[TaskExecution]) -> Table<6> {
    let mut table = Table::new(["id", "name", "queue", "status", "attempt", "changed (UTC)"]);
    for task in tasks {
        table.row([
            Cell::new(task.id.to_string()),
            Cell::new(&task.task_name),
            Cell::new(&task.queue),
            text::task_status(task.status),
            text::attempt(task),
            Cell::new(text::time(task.updated_at)),
        ]);
    }
    table
}
