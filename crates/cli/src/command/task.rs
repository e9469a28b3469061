use std::io::Write;

use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use taskbox_dal::DAL;
use taskbox_models::{ExecutionEvent, TaskExecution};
use uuid::Uuid;

use crate::{
    Result,
    arguments::{Database, Form},
    arrow::Arrow,
    hint,
    history::{self, Workers},
    output::{Output, facts, json},
    table::{Cell, DIM, Table},
    text,
    timeline::{self, Axis, Phase},
};

/// Show a task: what it is, its whole history, and where its time went
#[derive(Debug, Args)]
pub(crate) struct Task {
    /// The task
    #[arg(value_name = "TASK")]
    id: Uuid,
    #[command(flatten)]
    form: Form,
}

/// How many tasks that it waits for are named.
const DEPENDENCIES: i64 = 20;
/// How much is shown of an input or an output; JSON has all of it.
const PAYLOAD: usize = 200;
/// How wide the timeline is.
const WIDTH: usize = 60;

/// A task as JSON.
#[derive(Serialize)]
struct Found {
    task: TaskExecution,
    /// The first of the tasks that it waits for or waited for.
    after: Vec<Arrow>,
    history: Vec<ExecutionEvent>,
    phases: Vec<Phase>,
    /// When this was read, by the database's clock.
    now: DateTime<Utc>,
}

impl Task {
    pub(crate) async fn run(self, database: &Database, out: &mut Output) -> Result<()> {
        let dal = database.connect().await?;
        let found = Found::load(&dal, self.id).await;
        let found = hint::or_take(&dal, found, "pipeline").await?;
        if self.form.json {
            return json(out, &found);
        }
        found.write_task(out)?;
        found.write_after(out)?;
        writeln!(out)?;
        history::write(&found.history, &Workers::load(&dal).await?, out)?;
        found.write_times(out)
    }
}

impl Found {
    async fn load(dal: &DAL, id: Uuid) -> Result<Self> {
        let task = dal.task_execution().get(id).await?;
        let waits = dal
            .task_execution()
            .dependencies(&[id], DEPENDENCIES)
            .await?;
        let history = dal.execution_event().list_by_task(id).await?;
        Ok(Self {
            task,
            after: waits.into_iter().map(Arrow::from).collect(),
            phases: timeline::phases(&history),
            history,
            now: dal.now().await?,
        })
    }

    fn write_task(&self, out: &mut Output) -> Result<()> {
        let task = &self.task;
        let queue = format!(
            "{}, priority {}",
            text::one_line(&task.queue),
            task.priority
        );
        let recoveries = (task.recoveries > 0).then(|| text::number(task.recoveries));
        let payload = |payload: &Option<Value>| {
            let payload = payload.as_ref()?;
            Some(text::shortened(&payload.to_string(), PAYLOAD))
        };
        let waits =
            (task.open_dependencies > 0).then(|| text::count(task.open_dependencies, "open task"));
        let trace = task.trace_context.as_ref();
        let trace = trace.and_then(|trace| Some(text::one_line(trace.get("traceparent")?)));
        facts(
            out,
            &[
                ("task", Some(task.id.to_string())),
                ("name", Some(text::one_line(&task.task_name))),
                (
                    "pipeline",
                    task.pipeline_execution_id.map(|id| id.to_string()),
                ),
                ("queue", Some(queue)),
                ("status", Some(text::task_status(task.status).to_string())),
                ("attempt", Some(text::attempt(task).to_string())),
                ("recoveries", recoveries),
                ("waits for", waits),
                ("input", payload(&task.input)),
                ("output", payload(&task.output)),
                ("trace", trace),
            ],
        )
    }

    /// The tasks that it waits for or waited for.
    fn write_after(&self, out: &mut Output) -> Result<()> {
        if self.after.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(["after", "name", "status"]);
        for arrow in &self.after {
            table.row([
                Cell::new(arrow.dependency_id.to_string()),
                Cell::new(&arrow.task_name),
                text::task_status(arrow.status),
            ]);
        }
        writeln!(out)?;
        table.write(out)?;
        if i64::try_from(self.after.len()).unwrap_or(i64::MAX) == DEPENDENCIES {
            writeln!(out, "{DIM}no more are shown than {DEPENDENCIES}{DIM:#}")?;
        }
        Ok(())
    }

    fn write_times(&self, out: &mut Output) -> Result<()> {
        let (Some(first), Some(last)) = (self.phases.first(), self.phases.last()) else {
            return Ok(());
        };
        let axis = Axis {
            from: first.from,
            to: last.to.unwrap_or(self.now),
            width: WIDTH,
        };
        let totals = timeline::totals(&self.phases, self.now);
        writeln!(out, "\n{}", axis.draw(&self.phases))?;
        writeln!(out, "{}", timeline::legend(Some(&totals)))?;
        Ok(())
    }
}
