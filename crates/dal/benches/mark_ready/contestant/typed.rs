//! What typed Diesel needs in Rust on either backend, where the DAL's statements do it in SQL.

use std::collections::HashMap;

use taskbox_models::{EventType, PipelineStatus, TaskStatus};
use taskbox_schema::{bind, execution_events, task_outbox};
use uuid::Uuid;

/// How many rows go into one statement: at four binds each, below `SQLite`'s 32,766 and the 65,535 of Postgres.
pub(super) const ROWS: usize = 8_000;

#[derive(diesel::Queryable)]
pub(super) struct Task {
    pub(super) id: Uuid,
    pub(super) status: TaskStatus,
    pub(super) pipeline: Option<Uuid>,
    pub(super) queue: String,
    pub(super) priority: i32,
}

impl Task {
    pub(super) fn is_scheduled(&self) -> bool {
        self.status == TaskStatus::Scheduled
    }
}

/// The tasks in the order of the call, which becomes that of the outbox.
pub(super) fn in_order_of(call: &[Uuid], tasks: Vec<Task>) -> Vec<Task> {
    let mut by_id: HashMap<Uuid, Task> = tasks.into_iter().map(|task| (task.id, task)).collect();
    let tasks: Vec<Task> = call.iter().filter_map(|id| by_id.remove(id)).collect();
    assert_eq!(tasks.len(), call.len(), "none is refused here");
    tasks
}

pub(super) fn pending(pipelines: &[(Uuid, PipelineStatus)]) -> impl Iterator<Item = Uuid> {
    pipelines
        .iter()
        .filter(|(_, status)| *status == PipelineStatus::Pending)
        .map(|(id, _)| *id)
}

/// A row of the outbox. On `SQLite` only rows of which no column is left to its default go into one statement.
#[derive(diesel::Insertable)]
#[diesel(table_name = task_outbox, treat_none_as_default_value = false)]
pub(super) struct OutboxRow {
    task_execution_id: bind::Uuid,
    queue: String,
    priority: i32,
    held: bool,
}

pub(super) fn outbox_rows(tasks: &[Task], pipelines: &[(Uuid, PipelineStatus)]) -> Vec<OutboxRow> {
    let row = |task: &Task| OutboxRow {
        task_execution_id: bind::Uuid(task.id),
        queue: task.queue.clone(),
        priority: task.priority,
        held: paused(pipelines, task),
    };
    tasks.iter().map(row).collect()
}

#[derive(diesel::Insertable)]
#[diesel(table_name = execution_events, treat_none_as_default_value = false)]
pub(super) struct EventRow {
    pipeline_execution_id: Option<bind::Uuid>,
    task_execution_id: Option<bind::Uuid>,
    event_type: EventType,
}

pub(super) fn event_rows(tasks: &[Task]) -> Vec<EventRow> {
    let row = |task: &Task| EventRow {
        pipeline_execution_id: task.pipeline.map(bind::Uuid),
        task_execution_id: Some(bind::Uuid(task.id)),
        event_type: EventType::TaskMarkedReady,
    };
    tasks.iter().map(row).collect()
}

fn paused(pipelines: &[(Uuid, PipelineStatus)], task: &Task) -> bool {
    pipelines
        .iter()
        .any(|(id, status)| Some(*id) == task.pipeline && *status == PipelineStatus::Paused)
}
