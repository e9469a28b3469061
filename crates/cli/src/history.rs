//! The history of a task, line by line.

use std::{collections::HashMap, io::Write};

use chrono::{DateTime, Utc};
use serde_json::Value;
use taskbox_dal::DAL;
use taskbox_models::{EventType, ExecutionEvent};

use crate::{
    Result,
    output::Output,
    table::{CYAN, Cell, GREEN, RED, Table, YELLOW},
    text, timeline,
};

/// The names of the workers that the database knows of, by their ids.
pub(crate) struct Workers(HashMap<String, String>);

/// As long as the longest name of a type.
const TYPE_WIDTH: usize = 20;
/// More workers than that are shown by their ids.
const WORKERS: i64 = 1_000;

impl Workers {
    pub(crate) async fn load(dal: &DAL) -> Result<Self> {
        let workers = dal.worker().list(WORKERS).await?;
        let names = workers
            .into_iter()
            .map(|it| (it.worker.id.to_string(), it.worker.name));
        Ok(Self(names.collect()))
    }

    /// The name of a worker, or its id once it is gone.
    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

/// Writes what happened, when, and how long after the event before.
pub(crate) fn write(events: &[ExecutionEvent], workers: &Workers, out: &mut Output) -> Result<()> {
    let day = events.first().map(|event| text::day(event.created_at));
    let one_day = day.filter(|day| events.iter().all(|it| text::day(it.created_at) == *day));
    let title = one_day
        .as_ref()
        .map_or_else(|| "time (UTC)".to_owned(), |day| format!("{day} UTC"));
    let time = |moment| match &one_day {
        Some(_) => text::moment(moment),
        None => format!("{} {}", text::day(moment), text::moment(moment)),
    };
    let mut table = Table::new([&title, "after >", "event", "attempt >", "worker", ""]);
    let mut before: Option<DateTime<Utc>> = None;
    for event in events {
        let after = before.map(|before| timeline::between(before, event.created_at));
        before = Some(event.created_at);
        table.row([
            Cell::new(time(event.created_at)),
            Cell::new(after.map_or_else(String::new, text::duration)),
            event_type(event.event_type),
            Cell::new(field(event, "attempt").map_or_else(String::new, Value::to_string)),
            Cell::new(words(event, "worker").map_or("", |id| workers.name(id))),
            Cell::new(detail(event)),
        ]);
    }
    table.write(out)
}

/// Writes an event by itself: when, what, of which task or pipeline, and what there is to say of it.
pub(crate) fn write_line(
    event: &ExecutionEvent,
    workers: &Workers,
    out: &mut Output,
) -> Result<()> {
    let (thing, id) = match (event.task_execution_id, event.pipeline_execution_id) {
        (Some(task), _) => ("task", Some(task)),
        (None, pipeline) => ("pipeline", pipeline),
    };
    let attempt = field(event, "attempt").map(|attempt| format!("attempt {attempt}"));
    let worker = words(event, "worker").map(|id| workers.name(id).to_owned());
    let said = Some(detail(event)).filter(|said| !said.is_empty());
    let parts = [attempt, worker, said].into_iter().flatten();
    let line = [
        Cell::new(format!(
            "{} {}",
            text::day(event.created_at),
            text::moment(event.created_at)
        )),
        event_type(event.event_type).padded(TYPE_WIDTH),
        Cell::new(format!("{thing:8} {}", id.unwrap_or_default())),
        Cell::new(parts.collect::<Vec<_>>().join(", ")),
    ];
    let line = line.map(|cell| cell.to_string()).join("  ");
    writeln!(out, "{}", line.trim_end())?;
    Ok(())
}

fn field<'a>(event: &'a ExecutionEvent, name: &str) -> Option<&'a Value> {
    event.event_data.as_ref()?.get(name)
}

fn words<'a>(event: &'a ExecutionEvent, name: &str) -> Option<&'a str> {
    field(event, name)?.as_str()
}

/// What there is to say beside the attempt and the worker.
fn detail(event: &ExecutionEvent) -> String {
    let until = words(event, "due_at").and_then(|it| DateTime::parse_from_rfc3339(it).ok());
    let wait = until.map(|until| timeline::between(event.created_at, until.to_utc()));
    let wait = wait.filter(|wait| !wait.is_zero());
    let wait = wait.map(|wait| format!("again in {}", text::duration(wait)));
    let said = words(event, "error").or(words(event, "reason"));
    match (said, wait) {
        (Some(said), Some(wait)) => format!("{said}; {wait}"),
        (Some(said), None) => said.to_owned(),
        (None, wait) => wait.unwrap_or_default(),
    }
}

fn event_type(event: EventType) -> Cell {
    let cell = Cell::new(event.as_str());
    match event {
        EventType::TaskCompleted => cell.style(GREEN),
        EventType::TaskFailed | EventType::TaskAbandoned => cell.style(RED),
        EventType::TaskRetryScheduled | EventType::TaskRecovered => cell.style(YELLOW),
        EventType::TaskClaimed => cell.style(CYAN),
        _ => cell,
    }
}
