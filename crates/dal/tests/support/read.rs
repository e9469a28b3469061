//! The calls that only read, by their names.

use std::time::Duration;

use chrono::DateTime;
use futures_util::future::BoxFuture;
use taskbox_dal::{DAL, EventCursor, Invariant, PipelineFilter, Result, TaskFilter};
use taskbox_models::{EventType, NewPipelineExecution, NewTaskExecution, TaskStatus};
use taskbox_test_support::{Backend, canary::PAYLOAD};
use uuid::Uuid;

/// What is read of: a task that was skipped because of another, in a pipeline that has ended.
pub(crate) struct Scene {
    pub(crate) dal: DAL,
    pipeline: Uuid,
    task: Uuid,
}

pub(crate) type Read = for<'a> fn(&'a Scene) -> BoxFuture<'a, Result<()>>;

macro_rules! reads {
    ($scene:ident, $($name:literal: $read:expr),* $(,)?) => {
        vec![$((
            $name,
            (|$scene| Box::pin(async move { $read.await.map(drop) })) as Read,
        )),*]
    };
}

const DAY: Duration = Duration::from_hours(24);

/// Every read.
pub(crate) fn reads() -> Vec<(&'static str, Read)> {
    [reads_of_what_was(), reads_of_work()].concat()
}

/// Those of the doctor and of the history.
fn reads_of_what_was() -> Vec<(&'static str, Read)> {
    reads! { scene,
        "doctor.broken": scene.dal.doctor().broken(Invariant::NothingStranded, 9),
        "doctor.damage": scene.dal.doctor().damage(9),
        "doctor.foreign_events": scene.dal.doctor().foreign_events(9),
        "doctor.indexes": scene.dal.doctor().indexes(),
        "doctor.last_claims": scene.dal.doctor().last_claims(9),
        "doctor.open_transactions": scene.dal.doctor().open_transactions(9),
        "doctor.put_off": scene.dal.doctor().put_off(DAY, 9),
        "doctor.rows": scene.dal.doctor().rows(),
        "doctor.wal_bytes": scene.dal.doctor().wal_bytes(),
        "execution_event.count_older_than": {
            scene.dal.execution_event().count_older_than(DateTime::UNIX_EPOCH)
        },
        "execution_event.count_prunable": scene.dal.execution_event().count_prunable(DAY),
        "execution_event.count_recent": {
            scene.dal.execution_event().count_recent(EventType::TaskSkipped, DAY, 9)
        },
        "execution_event.get_recent": scene.dal.execution_event().get_recent(9),
        "execution_event.list_by_pipeline": {
            scene.dal.execution_event().list_by_pipeline(scene.pipeline)
        },
        "execution_event.list_by_task": scene.dal.execution_event().list_by_task(scene.task),
        "execution_event.list_by_type": {
            scene.dal.execution_event().list_by_type(EventType::TaskCreated, 9)
        },
        "execution_event.read_after": async {
            let begin = EventCursor::default();
            scene.dal.execution_event().read_after(&begin, 9).await
        },
        "execution_event.read_latest": scene.dal.execution_event().read_latest(9),
    }
}

/// Those of the rest.
fn reads_of_work() -> Vec<(&'static str, Read)> {
    reads! { scene,
        "pipeline_execution.get": scene.dal.pipeline_execution().get(scene.pipeline),
        "pipeline_execution.list": async {
            let all = PipelineFilter::default();
            scene.dal.pipeline_execution().list(&all, 9).await
        },
        "pipeline_execution.list_recent": scene.dal.pipeline_execution().list_recent(9),
        "pipeline_execution.wait": scene.dal.pipeline_execution().wait(scene.pipeline),
        "task_execution.count_by_status": {
            scene.dal.task_execution().count_by_status(scene.pipeline)
        },
        "task_execution.count_live": scene.dal.task_execution().count_live(),
        "task_execution.dependencies": scene.dal.task_execution().dependencies(&[scene.task], 9),
        "task_execution.dependency_outputs": {
            scene.dal.task_execution().dependency_outputs(scene.task)
        },
        "task_execution.get": scene.dal.task_execution().get(scene.task),
        "task_execution.list": async {
            let all = TaskFilter::default();
            scene.dal.task_execution().list(&all, 9).await
        },
        "task_execution.list_by_pipeline": {
            scene.dal.task_execution().list_by_pipeline(scene.pipeline)
        },
        "task_execution.list_by_status": {
            scene.dal.task_execution().list_by_status(TaskStatus::Skipped, 9)
        },
        "task_execution.next_due": scene.dal.task_execution().next_due(),
        "task_outbox.count_pending": scene.dal.task_outbox().count_pending(),
        "task_outbox.depths": scene.dal.task_outbox().depths(),
        "task_outbox.list_pending": scene.dal.task_outbox().list_pending(9),
        "worker.list": scene.dal.worker().list(9),
    }
}

/// What there is nothing to ask a backend for.
pub(crate) fn asks_nothing(name: &str, backend: Backend) -> bool {
    let names: &[_] = match backend {
        Backend::Postgres => &["doctor.damage", "doctor.wal_bytes"],
        Backend::Sqlite => &[
            "doctor.foreign_events",
            "doctor.open_transactions",
            "doctor.rows",
        ],
    };
    names.contains(&name)
}

impl Scene {
    pub(crate) async fn new(dal: DAL) -> Self {
        let pipeline = NewPipelineExecution::new("a");
        let pipeline = dal.pipeline_execution().create(pipeline).await.unwrap().id;
        let (first, task) = (Uuid::now_v7(), Uuid::now_v7());
        let tasks = vec![
            NewTaskExecution::new(pipeline, "t")
                .id(first)
                .input(PAYLOAD),
            NewTaskExecution::new(pipeline, "t")
                .id(task)
                .after(&[first]),
        ];
        dal.task_execution().create_many(tasks).await.unwrap();
        dal.task_execution().skip(first, "").await.unwrap();
        Self {
            dal,
            pipeline,
            task,
        }
    }
}
