//! A database in which all is well, and what other software may do to it.

use taskbox_dal::{DAL, Invariant};
use taskbox_models::{LiveTable, NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{connect::connect, lifecycle::task_in, pipeline::pipeline};

/// With tasks in every status.
pub(crate) struct Scene {
    pub(crate) dal: DAL,
    /// A pipeline with tasks that have ended and tasks that have not.
    pub(crate) pipeline: Uuid,
    pub(crate) ready: Uuid,
    pub(crate) scheduled: Uuid,
    pub(crate) running: Uuid,
    /// It waits for the one that is ready.
    pub(crate) waits: Uuid,
    /// It has not started, and waits for nothing.
    pub(crate) idle: Uuid,
    pub(crate) completed: Uuid,
}

impl Scene {
    pub(crate) async fn new(db: &TestDatabase) -> Self {
        let dal = connect(db).await;
        let pipeline = pipeline(&dal).await;
        let task = async |status| task_in(&dal, Some(pipeline), status).await;
        let ready = task(TaskStatus::Ready).await;
        let new = NewTaskExecution::new(pipeline, "waits").after(&[ready]);
        let waits = dal.task_execution().create(new).await.unwrap().id;
        let scene = Self {
            pipeline,
            ready,
            waits,
            scheduled: task(TaskStatus::Scheduled).await,
            running: task(TaskStatus::Running).await,
            idle: task(TaskStatus::NotStarted).await,
            completed: task(TaskStatus::Completed).await,
            dal: dal.clone(),
        };
        task(TaskStatus::Failed).await;
        for status in TaskStatus::ALL.iter().copied() {
            task_in(&dal, None, status).await;
        }
        scene
    }

    /// What other software does to break an invariant, and for whom.
    pub(crate) fn breach(&self, db: &TestDatabase, invariant: Invariant) -> (String, Uuid) {
        let id = |id| db.uuid_literal(id);
        let of = |task| format!("WHERE task_execution_id = {}", id(task));
        match invariant {
            Invariant::PipelineCounters => {
                let pipeline = id(self.pipeline);
                let sql =
                    format!("UPDATE pipeline_executions SET open_tasks = 9 WHERE id = {pipeline}");
                (sql, self.pipeline)
            }
            Invariant::OpenDependencies => {
                let waits = id(self.waits);
                let sql =
                    format!("UPDATE task_executions SET open_dependencies = 3 WHERE id = {waits}");
                (sql, self.waits)
            }
            Invariant::RowOfItsStatus(table) => (insert(db, table, &id(self.idle)), self.idle),
            Invariant::RowOfEachTask(table) => {
                let task = match table {
                    LiveTable::Claims => self.running,
                    LiveTable::Outbox => self.ready,
                    LiveTable::Schedule => self.scheduled,
                };
                (format!("DELETE FROM {} {}", table.as_str(), of(task)), task)
            }
            Invariant::OutboxCopies => {
                let sql = format!("UPDATE task_outbox SET queue = 'other' {}", of(self.ready));
                (sql, self.ready)
            }
            Invariant::NothingStranded => {
                let sql = format!(
                    "INSERT INTO task_dependencies VALUES ({}, {})",
                    id(self.idle),
                    id(self.completed)
                );
                (sql, self.idle)
            }
            Invariant::PipelineStatus => {
                let pipeline = id(self.pipeline);
                let sql = format!(
                    "UPDATE pipeline_executions SET status = 'Failed' WHERE id = {pipeline}"
                );
                (sql, self.pipeline)
            }
            _ => panic!("{invariant} has no test"),
        }
    }
}

fn insert(db: &TestDatabase, table: LiveTable, task: &str) -> String {
    match table {
        LiveTable::Claims => format!(
            "INSERT INTO task_claims (task_execution_id, worker_id, epoch)
             SELECT {task}, id, 0 FROM task_workers LIMIT 1"
        ),
        LiveTable::Outbox => format!("INSERT INTO task_outbox (task_execution_id) VALUES ({task})"),
        LiveTable::Schedule => {
            let due_at = match db.backend() {
                taskbox_test_support::Backend::Postgres => "clock_timestamp()",
                taskbox_test_support::Backend::Sqlite => "0",
            };
            format!(
                "INSERT INTO task_schedule (task_execution_id, due_at) VALUES ({task}, {due_at})"
            )
        }
    }
}

/// Everyone who breaks any invariant.
pub(crate) async fn all_broken(dal: &DAL) -> Vec<(Invariant, Vec<Uuid>)> {
    let mut all = Vec::new();
    for invariant in Invariant::ALL {
        let broken = dal.doctor().broken(invariant, 99).await.unwrap();
        if !broken.is_empty() {
            all.push((invariant, broken));
        }
    }
    all
}
