//! A database with many tasks, made by plain SQL.

use std::time::{Duration, Instant};

use taskbox_dal::DAL;
use taskbox_models::Worker;
use taskbox_test_support::{Backend, TestDatabase};

use crate::{
    lives::connect,
    mark_ready::contestant::{postgres_sql, sqlite_sql},
};

/// How many tasks are claimed at once to claim many.
const BATCH: u32 = 1_000;

pub(crate) struct Arena {
    database: TestDatabase,
    dal: DAL,
    worker: Worker,
}

/// A transaction that reads what was there when it began.
pub(crate) enum Snapshot {
    Postgres { _client: tokio_postgres::Client },
    Sqlite { _connection: rusqlite::Connection },
}

impl Arena {
    /// With that many tasks that are ready, and as many that have finished.
    pub(crate) async fn new(backend: Backend, ready: u32) -> Self {
        let database = TestDatabase::create(backend).await;
        fill(&database, ready).await;
        let dal = connect(&database.url()).await;
        let worker = dal.worker().register("bench").await;
        Self {
            database,
            dal,
            worker: worker.expect("a worker can always register"),
        }
    }

    /// How long it takes to claim that many.
    pub(crate) async fn claim(&self, limit: u32) -> Duration {
        let started = Instant::now();
        let tasks = self.dal.task_execution();
        let claims = tasks.claim(&self.worker, limit.into()).await;
        let spent = started.elapsed();
        assert_eq!(claims.expect("the lease lasts").len(), limit as usize);
        spent
    }

    /// Makes all tasks that are running ready again, behind those that are.
    pub(crate) async fn put_back(&self) {
        self.database
            .execute(
                "BEGIN;
                INSERT INTO task_outbox (task_execution_id) SELECT task_execution_id FROM task_claims;
                UPDATE task_executions SET status = 'Ready'
                WHERE id IN (SELECT task_execution_id FROM task_claims);
                DELETE FROM task_claims;
                COMMIT",
            )
            .await;
    }

    /// Claims and completes that many.
    pub(crate) async fn finish(&self, tasks: u32) {
        for _ in 0..tasks / BATCH {
            let claims = self.dal.task_execution().claim(&self.worker, BATCH.into());
            let claims = claims.await.expect("the lease lasts");
            let claims: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
            let moved = self.dal.task_execution().complete_many(&claims).await;
            let moved = moved.expect("the lease lasts").moved;
            assert_eq!(moved.len(), BATCH as usize);
        }
    }

    pub(crate) async fn open_snapshot(&self) -> Snapshot {
        let url = self.database.url();
        match self.database.backend() {
            Backend::Postgres => {
                let client = postgres_sql::connect(&url).await;
                postgres_sql::run(&client, "BEGIN ISOLATION LEVEL REPEATABLE READ").await;
                postgres_sql::run(&client, "SELECT FROM task_workers").await;
                Snapshot::Postgres { _client: client }
            }
            Backend::Sqlite => {
                let connection = sqlite_sql::connect(&url);
                connection
                    .execute_batch("BEGIN; SELECT id FROM task_workers")
                    .expect("it is correct");
                Snapshot::Sqlite {
                    _connection: connection,
                }
            }
        }
    }
}

/// The tasks are numbers from 1 on, the finished ones before those that are ready.
async fn fill(database: &TestDatabase, ready: u32) {
    let id = match database.backend() {
        Backend::Postgres => "lpad(to_hex(n), 32, '0')::uuid",
        Backend::Sqlite => "unhex(printf('%032x', n))",
    };
    let numbers = |from: u32, to: u32| {
        format!(
            "WITH RECURSIVE numbers (n) AS (
                SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n < {to}
            )"
        )
    };
    let all = numbers(1, 2 * ready);
    let behind = numbers(ready + 1, 2 * ready);
    database
        .execute(&format!(
            "BEGIN;
            {all} INSERT INTO task_executions (id, task_name, status)
            SELECT {id}, 'bench', CASE WHEN n > {ready} THEN 'Ready' ELSE 'Completed' END FROM numbers;
            {all} INSERT INTO execution_events (task_execution_id, event_type)
            SELECT {id}, 'task_marked_ready' FROM numbers;
            {behind} INSERT INTO task_outbox (task_execution_id) SELECT {id} FROM numbers;
            COMMIT"
        ))
        .await;
    // Or autovacuum does it, in the middle of a measurement.
    let tidy: &[&str] = match database.backend() {
        Backend::Postgres => &["VACUUM ANALYZE", "CHECKPOINT"],
        Backend::Sqlite => &["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"],
    };
    for sql in tidy {
        database.execute(sql).await;
    }
}
