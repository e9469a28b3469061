use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
};

use clap::Args;
use serde::Serialize;
use taskbox_dal::{DAL, TaskFilter};
use taskbox_models::{PipelineExecution, TaskExecution, TaskStatus};
use uuid::Uuid;

use crate::{
    Result,
    arguments::{Database, Form, Page, task_status},
    arrow::Arrow,
    hint,
    output::{Output, facts, json},
    table::{Cell, DIM, Table},
    text,
};

/// Show a pipeline: its tasks, their states, and which waits for which
#[derive(Debug, Args)]
pub(crate) struct Pipeline {
    /// The pipeline
    #[arg(value_name = "PIPELINE")]
    id: Uuid,
    /// Only its tasks of this status
    #[arg(long, ignore_case = true, value_parser = task_status())]
    status: Option<TaskStatus>,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    form: Form,
}

/// How many arrows of the graph are shown.
const DEPENDENCIES: i64 = 10_000;
/// How many names are shown of the tasks that one waits for.
const NAMES: usize = 3;

/// A pipeline as JSON.
#[derive(Serialize)]
struct Found {
    pipeline: PipelineExecution,
    /// How many tasks it has in each status.
    counts: BTreeMap<&'static str, i64>,
    /// One page of its tasks, newest first.
    tasks: Vec<TaskExecution>,
    /// What these wait for or waited for.
    dependencies: Vec<Arrow>,
}

impl Pipeline {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let found = hint::or_take(&dal, self.load(&dal).await, "task").await?;
        if self.form.json {
            return json(out, &found);
        }
        found.write(out)?;
        self.write_next(&found, out)
    }

    /// How to see more, if there may be more.
    fn write_next(&self, found: &Found, out: &mut Output) -> Result<()> {
        let is_full = i64::try_from(found.tasks.len()) == Ok(self.page.limit);
        let all = match self.status {
            Some(status) => found
                .counts
                .get(status.as_str())
                .copied()
                .unwrap_or_default(),
            None => found.counts.values().sum(),
        };
        if let Some(last) = found.tasks.last()
            && is_full
            && all > self.page.limit
        {
            writeln!(out, "{DIM}older ones: --before {}{DIM:#}", last.id)?;
        }
        Ok(())
    }

    async fn load(&self, dal: &DAL) -> Result<Found> {
        let pipeline = dal.pipeline_execution().get(self.id).await?;
        let counts = dal.task_execution().count_by_status(self.id).await?;
        let mut filter = TaskFilter::default().pipeline(self.id);
        if let Some(status) = self.status {
            filter = filter.status(status);
        }
        if let Some(before) = self.page.before {
            filter = filter.before(before);
        }
        let tasks = dal.task_execution().list(&filter, self.page.limit).await?;
        let ids: Vec<Uuid> = tasks.iter().map(|task| task.id).collect();
        let dependencies = dal
            .task_execution()
            .dependencies(&ids, DEPENDENCIES)
            .await?;
        let counts = counts
            .into_iter()
            .map(|(status, count)| (status.as_str(), count));
        Ok(Found {
            pipeline,
            counts: counts.collect(),
            tasks,
            dependencies: dependencies.into_iter().map(Arrow::from).collect(),
        })
    }
}

impl Found {
    fn write(&self, out: &mut Output) -> Result<()> {
        let pipeline = &self.pipeline;
        facts(
            out,
            &[
                ("pipeline", Some(pipeline.id.to_string())),
                ("name", Some(text::one_line(&pipeline.name))),
                (
                    "status",
                    Some(text::pipeline_status(pipeline.status).to_string()),
                ),
                (
                    "paused",
                    pipeline.pause_reason.as_deref().map(text::one_line),
                ),
                ("created", Some(text::time(pipeline.created_at))),
                ("changed", Some(text::time(pipeline.updated_at))),
                ("tasks", Some(self.counts())),
            ],
        )?;
        if self.tasks.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        self.table().write(out)
    }

    /// In the order of a task's life.
    fn counts(&self) -> String {
        let counts = TaskStatus::ALL.iter().filter_map(|status| {
            let count = self.counts.get(status.as_str())?;
            Some(format!("{} {status}", text::number(*count)))
        });
        let counts: Vec<String> = counts.collect();
        if counts.is_empty() {
            return "none".to_owned();
        }
        counts.join(", ")
    }

    fn table(&self) -> Table<5> {
        let mut waits: HashMap<Uuid, Vec<&str>> = HashMap::new();
        for dependency in &self.dependencies {
            let of_task = waits.entry(dependency.task_execution_id).or_default();
            of_task.push(&dependency.task_name);
        }
        let mut table = Table::new(["id", "name", "status", "attempt", "after"]);
        for task in &self.tasks {
            let after = waits.get(&task.id).map_or(&[][..], Vec::as_slice);
            table.row([
                Cell::new(task.id.to_string()),
                Cell::new(&task.task_name),
                text::task_status(task.status),
                text::attempt(task),
                Cell::new(counted(after)),
            ]);
        }
        table
    }
}

/// The first names, each with how often it is there: "fetch ×12, index".
fn counted(names: &[&str]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let words = counts.iter().map(|(name, count)| match count {
        1 => (*name).to_owned(),
        count => format!("{name} ×{}", text::number(*count as i128)),
    });
    let mut words: Vec<String> = words.take(NAMES + 1).collect();
    if words.len() > NAMES {
        "…".clone_into(&mut words[NAMES]);
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn names_are_counted_and_the_first_few_are_shown() {
        assert_eq!(counted(&[]), "");
        assert_eq!(counted(&["b", "a", "b"]), "a, b ×2");
        assert_eq!(counted(&["a", "b", "c"]), "a, b, c");
        assert_eq!(counted(&["a", "b", "c", "d", "e"]), "a, b, c, …");
    }
}
