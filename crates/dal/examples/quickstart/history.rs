//! What the history says of the workers.

use std::{collections::HashMap, io::Write};

use serde_json::Value;
use taskbox_models::{EventType, ExecutionEvent, TaskExecution, Worker};
use uuid::Uuid;

use crate::{
    Result,
    files::File,
    report::ROWS,
    table::{table, time},
};

/// Which worker has ended each task, by the pipeline's history, and with what.
pub(crate) fn ends(
    out: &mut impl Write,
    tasks: &[TaskExecution],
    files: &[File],
    events: &[ExecutionEvent],
    workers: &[&Worker],
) -> Result<()> {
    let claims = events
        .iter()
        .filter(|event| event.event_type == EventType::TaskClaimed);
    let last_claim: HashMap<Option<Uuid>, &ExecutionEvent> = claims
        .map(|event| (event.task_execution_id, event))
        .collect();
    let shown = usize::try_from(ROWS)?;
    let rows = tasks.iter().zip(files).take(shown).map(|(task, file)| {
        let claim = last_claim
            .get(&Some(task.id))
            .and_then(|claim| claim.event_data.as_ref());
        let hash = task
            .output
            .as_ref()
            .and_then(|output| output["sha256"].as_str());
        [
            file.name.clone(),
            claim.map_or_else(String::new, |data| text("worker", &data["worker"], workers)),
            task.attempt.to_string(),
            task.status.to_string(),
            hash.map_or_else(String::new, |hash| format!("{hash:.16}…")),
        ]
    });
    table(
        out,
        ["file", "worker", "attempt >", "status", "sha256"],
        rows.collect(),
    )?;
    if tasks.len() > shown {
        writeln!(out, "  … and {} more\n", tasks.len() - shown)?;
    }
    Ok(())
}

/// Why tasks have failed; nothing if none has.
pub(crate) fn failures(
    out: &mut impl Write,
    tasks: &[TaskExecution],
    files: &[File],
    events: &[ExecutionEvent],
) -> Result<()> {
    for event in events {
        let task = tasks
            .iter()
            .position(|task| event.task_execution_id == Some(task.id));
        if let (EventType::TaskFailed, Some(task), Some(data)) =
            (event.event_type, task, event.event_data.as_ref())
        {
            writeln!(
                out,
                "  {} has failed: {}\n",
                files[task].name, data["error"]
            )?;
        }
    }
    Ok(())
}

/// A task's events.
pub(crate) fn of_task(
    out: &mut impl Write,
    events: &[ExecutionEvent],
    workers: &[&Worker],
) -> Result<()> {
    let rows = events.iter().map(|event| {
        let data = event.event_data.as_ref().and_then(Value::as_object);
        let data = data.into_iter().flatten();
        let data: Vec<_> = data
            .map(|(key, value)| format!("{key} {}", text(key, value, workers)))
            .collect();
        [
            event.id.to_string(),
            time(event.created_at),
            event.event_type.to_string(),
            data.join(", "),
        ]
    });
    table(
        out,
        ["id >", "created_at", "event_type", "event_data"],
        rows.collect(),
    )
}

/// A value of an event's data; a worker by its name.
fn text(key: &str, value: &Value, workers: &[&Worker]) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let worker = workers
        .iter()
        .find(|worker| key == "worker" && worker.id.to_string() == text);
    worker.map_or(text, |worker| worker.name.clone())
}
