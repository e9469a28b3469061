//! A database for a case, and tasks that have not started: made and checked by plain SQL.

use std::time::{Duration, Instant};

use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

use super::{case::Case, contestant::Contestant};

pub(crate) struct Arena {
    pub(crate) case: Case,
    pub(crate) database: TestDatabase,
    pipeline: Option<Uuid>,
}

impl Arena {
    pub(crate) async fn new(case: Case) -> Self {
        let database = TestDatabase::create(case.backend).await;
        let pipeline = case.in_pipeline.then(Uuid::now_v7);
        if let Some(pipeline) = pipeline {
            let id = database.uuid_literal(pipeline);
            database
                .execute(&format!(
                    "INSERT INTO pipeline_executions (id, name, status) VALUES ({id}, 'bench', 'Running');
                    INSERT INTO execution_events (pipeline_execution_id, event_type)
                    VALUES ({id}, 'pipeline_created'), ({id}, 'pipeline_started')"
                ))
                .await;
        }
        Self {
            case,
            database,
            pipeline,
        }
    }

    /// Tasks for that many calls.
    pub(crate) async fn new_tasks(&self, calls: u64) -> Vec<Uuid> {
        let count = usize::try_from(calls).expect("they fit in memory") * self.case.tasks;
        let tasks: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(count).collect();
        let pipeline = self
            .pipeline
            .map_or("NULL".to_owned(), |id| self.database.uuid_literal(id));
        let rows = self.rows(&tasks);
        self.database
            .execute(&format!(
                "BEGIN;
                INSERT INTO task_executions (id, pipeline_execution_id, task_name)
                SELECT id, {pipeline}, 'bench' FROM {rows};
                UPDATE pipeline_executions SET open_tasks = open_tasks + {count};
                INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)
                SELECT pipeline_execution_id, id, 'task_created' FROM task_executions
                WHERE status = 'NotStarted' ORDER BY id;
                COMMIT"
            ))
            .await;
        if self.case.backend == Backend::Postgres {
            // Or autovacuum does it, in the middle of a measurement.
            self.database.execute("ANALYZE").await;
        }
        tasks
    }

    /// A table of the ids as SQL.
    fn rows(&self, tasks: &[Uuid]) -> String {
        let joined = |separator| {
            let digits: Vec<_> = tasks.iter().map(|id| id.simple().to_string()).collect();
            digits.join(separator)
        };
        match self.case.backend {
            Backend::Postgres => format!("unnest('{{{}}}'::uuid[]) AS id", joined(",")),
            Backend::Sqlite => {
                let digits = joined(r#"",""#);
                format!(r#"(SELECT unhex(value) AS id FROM json_each('["{digits}"]'))"#)
            }
        }
    }

    /// Requires that every task is ready, published and logged: who does half the work is not fast.
    pub(crate) async fn check(&self) {
        let unready = self
            .database
            .query_i64(
                "SELECT count(*) FROM task_executions t WHERE NOT (
                    t.status = 'Ready'
                    AND EXISTS (SELECT 1 FROM task_outbox o WHERE o.task_execution_id = t.id)
                    AND EXISTS (
                        SELECT 1 FROM execution_events e
                        WHERE e.task_execution_id = t.id AND e.event_type = 'task_marked_ready'
                    )
                )",
            )
            .await;
        assert_eq!(unready, 0, "tasks that a contestant left unready");
    }
}

/// How long one call takes.
pub(crate) async fn time(contestant: &Contestant, tasks: &[Uuid]) -> Duration {
    let started = Instant::now();
    contestant.mark_ready(tasks).await;
    started.elapsed()
}
