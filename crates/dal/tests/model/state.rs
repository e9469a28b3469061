//! Everything that is left at the end of a sequence, as the public API shows it.

use std::collections::BTreeMap;

use taskbox_models::{EventType, ExecutionEvent, PipelineStatus, TaskStatus};
use uuid::Uuid;

use crate::subject::Subject;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) tasks: BTreeMap<Uuid, Task>,
    pub(crate) pipelines: BTreeMap<Uuid, Pipeline>,
    /// The tasks in the order in which workers take them.
    pub(crate) outbox: Vec<Uuid>,
    /// In the order of their ids.
    pub(crate) schedule: Vec<Uuid>,
    /// The tasks that run, and the epochs of their claims; in the order of their ids.
    pub(crate) claims: Vec<(Uuid, i64)>,
    pub(crate) workers: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Task {
    pub(crate) pipeline: Option<Uuid>,
    pub(crate) priority: i32,
    pub(crate) queue: String,
    pub(crate) status: TaskStatus,
    pub(crate) attempt: i32,
    pub(crate) recoveries: i32,
    pub(crate) epoch: i64,
    pub(crate) events: Vec<EventType>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pipeline {
    pub(crate) status: PipelineStatus,
    pub(crate) open: i32,
    pub(crate) failed: i32,
    pub(crate) cancelled: i32,
    /// Its own, and those of its tasks.
    pub(crate) events: Vec<(Option<Uuid>, EventType)>,
}

pub(crate) async fn read(subject: &Subject) -> State {
    let dal = &subject.dal;
    let mut state = State::default();
    for status in TaskStatus::ALL {
        let listed = dal.task_execution().list_by_status(*status, i64::MAX);
        for task in listed.await.unwrap() {
            let events = dal.execution_event().list_by_task(task.id).await.unwrap();
            let read = Task {
                pipeline: task.pipeline_execution_id,
                priority: task.priority,
                queue: task.queue,
                status: task.status,
                attempt: task.attempt,
                recoveries: task.recoveries,
                epoch: task.epoch,
                events: events.iter().map(|event| event.event_type).collect(),
            };
            state.tasks.insert(task.id, read);
        }
    }
    for pipeline in dal
        .pipeline_execution()
        .list_recent(i64::MAX)
        .await
        .unwrap()
    {
        let events = dal.execution_event().list_by_pipeline(pipeline.id);
        let read = Pipeline {
            status: pipeline.status,
            open: pipeline.open_tasks,
            failed: pipeline.failed_tasks,
            cancelled: pipeline.cancelled_tasks,
            events: in_their_order(events.await.unwrap().iter().map(step).collect()),
        };
        state.pipelines.insert(pipeline.id, read);
    }
    let pending = dal.task_outbox().list_pending(i64::MAX).await.unwrap();
    state.outbox = pending.iter().map(|row| row.task_execution_id).collect();
    let schedule = "SELECT task_execution_id FROM task_schedule ORDER BY task_execution_id";
    let rows = subject.db.query_text(schedule).await;
    let ids = rows.into_iter().flatten().flatten();
    state.schedule = ids.map(|id| id.parse().unwrap()).collect();
    let claims = "SELECT task_execution_id, epoch FROM task_claims ORDER BY task_execution_id";
    for row in subject.db.query_text(claims).await {
        let text = |column: usize| row[column].as_deref().unwrap();
        let claim = (text(0).parse().unwrap(), text(1).parse().unwrap());
        state.claims.push(claim);
    }
    let workers = subject.db.query_text("SELECT id FROM task_workers").await;
    state.workers = workers.len();
    state
}

/// Tasks that are taken back together come in no particular order: here, in that of their ids.
pub(crate) fn in_their_order(
    mut events: Vec<(Option<Uuid>, EventType)>,
) -> Vec<(Option<Uuid>, EventType)> {
    const TOGETHER: [EventType; 2] = [EventType::TaskRecovered, EventType::TaskAbandoned];
    let together = |event: &(_, EventType)| TOGETHER.contains(&event.1);
    for run in events.chunk_by_mut(|a, b| together(a) && together(b)) {
        if together(&run[0]) {
            run.sort_by_key(|event| event.0);
        }
    }
    events
}

fn step(event: &ExecutionEvent) -> (Option<Uuid>, EventType) {
    (event.task_execution_id, event.event_type)
}
