//! What happened in a pipeline that has ended.

use std::{collections::HashMap, io::Write};

use taskbox_dal::DAL;
use taskbox_models::{ExecutionEvent, PipelineExecution, TaskExecution};
use uuid::Uuid;

use super::{
    SUM,
    files::Found,
    handlers::{Counted, Sum},
};
use crate::{
    Result,
    history::{self, Workers},
    output::Output,
    table::{Cell, DIM, Table},
    text,
    timeline::{self, Axis},
};

/// How many files have a line of their own.
const FILES: usize = 16;
/// How wide the timeline is.
const WIDTH: usize = 32;

pub(crate) async fn write(
    dal: &DAL,
    pipeline: &PipelineExecution,
    found: &Found,
    workers: &Workers,
    out: &mut Output,
) -> Result<()> {
    let tasks = dal.task_execution().list_by_pipeline(pipeline.id).await?;
    let events = dal.execution_event().list_by_pipeline(pipeline.id).await?;
    let history = History::new(pipeline, events);
    write_tasks(&tasks, found, &history, out)?;
    let took = text::duration(timeline::between(history.axis.from, history.axis.to));
    writeln!(out, "\n{}   in all {took}", timeline::legend(None))?;
    if let Some(last) = tasks.last() {
        writeln!(out, "\nWhat happened to {}:\n", last.task_name)?;
        history::write(history.of(last), workers, out)?;
    }
    let sum = tasks.iter().find(|task| task.task_name == SUM);
    let sum = sum.and_then(|task| task.output.clone());
    if let Some(sum) = sum.and_then(|output| serde_json::from_value::<Sum>(output).ok()) {
        writeln!(
            out,
            "\npipeline  {}: {}, {}, {}",
            pipeline.status,
            text::count(sum.files, "file"),
            text::count(sum.lines, "line"),
            text::count(sum.bytes, "byte")
        )?;
    }
    Ok(())
}

/// The events of each task, and the time that all of them took.
struct History {
    of_task: HashMap<Uuid, Vec<ExecutionEvent>>,
    axis: Axis,
}

impl History {
    fn new(pipeline: &PipelineExecution, events: Vec<ExecutionEvent>) -> Self {
        let from = events
            .first()
            .map_or(pipeline.created_at, |it| it.created_at);
        let to = events
            .last()
            .map_or(pipeline.updated_at, |it| it.created_at);
        let mut of_task: HashMap<_, Vec<_>> = HashMap::new();
        for event in events {
            if let Some(task) = event.task_execution_id {
                of_task.entry(task).or_default().push(event);
            }
        }
        let width = WIDTH;
        let axis = Axis { from, to, width };
        Self { of_task, axis }
    }

    fn of(&self, task: &TaskExecution) -> &[ExecutionEvent] {
        self.of_task.get(&task.id).map_or(&[], Vec::as_slice)
    }
}

fn write_tasks(
    tasks: &[TaskExecution],
    found: &Found,
    history: &History,
    out: &mut Output,
) -> Result<()> {
    // Their ids ascend in the order in which the pipeline names them.
    let files = found.files.len();
    let names = found.files.iter().map(|file| file.name.as_str());
    let names = names.chain(tasks.iter().skip(files).map(|task| &*task.task_name));
    let mut table = Table::new([
        "task",
        "status",
        "attempts >",
        "bytes >",
        "sha256",
        "timeline",
    ]);
    for (index, (task, name)) in tasks.iter().zip(names).enumerate() {
        if index == FILES && files > FILES {
            let mut row: [Cell; 6] = Default::default();
            let more = text::count((files - FILES) as i128, "more file");
            row[0] = Cell::new(format!("… and {more}")).style(DIM);
            table.row(row);
        }
        if index >= FILES && index < files {
            continue;
        }
        let counted = task.output.clone();
        let counted: Option<Counted> = counted.and_then(|it| serde_json::from_value(it).ok());
        let bytes = counted.as_ref().map(|it| text::number(it.bytes));
        let sha256 = counted.map(|it| text::shortened(&it.sha256, 8));
        table.row([
            Cell::new(name),
            text::task_status(task.status),
            Cell::new(task.attempt.to_string()),
            Cell::new(bytes.unwrap_or_default()),
            Cell::new(sha256.unwrap_or_default()),
            Cell::drawn(history.axis.draw(&timeline::phases(history.of(task)))),
        ]);
    }
    table.write(out)
}
