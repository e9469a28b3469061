//! Tables of a size at which reading one from end to end shows.

use taskbox_test_support::{Backend, TestDatabase};

/// How many tasks there are; each pipeline has two of them. By their numbers they are
/// - Ready, up to [`READY`], in three queues, a fifth of them held; they have waited for tasks that are Completed;
/// - Scheduled, up to [`SCHEDULED`], of which the first 500 are due;
/// - Running, up to [`RUNNING`], by fifty workers of whom ten have died;
/// - Completed, up to [`COMPLETED`];
/// - and `NotStarted`: they wait for the first ones, but for the last ten.
const TASKS: u32 = 20_000;
const READY: u32 = 10_000;
const SCHEDULED: u32 = 15_000;
const RUNNING: u32 = 19_000;
const COMPLETED: u32 = 19_900;

/// The ids of tasks, pipelines and workers are numbers from 1 on.
pub(super) async fn fill(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let id = |n: &str| match db.backend() {
        Backend::Postgres => format!("lpad(to_hex({n}), 32, '0')::uuid"),
        Backend::Sqlite => format!("unhex(printf('%032x', {n}))"),
    };
    let in_seconds = |seconds: &str| match db.backend() {
        Backend::Postgres => format!("clock_timestamp() + ({seconds}) * interval '1 second'"),
        Backend::Sqlite => format!("(unixepoch() + {seconds}) * 1000000"),
    };
    let held = match db.backend() {
        Backend::Postgres => "n > 8000",
        Backend::Sqlite => "iif(n > 8000, 1, 0)",
    };
    let (due, lease) = (
        in_seconds(&format!(
            "CASE WHEN n <= {READY} + 500 THEN -60 ELSE 86400 END"
        )),
        in_seconds("CASE WHEN n <= 10 THEN -60 ELSE 86400 END"),
    );
    let (task, pipeline, worker) = (id("n"), id("n % 10000 + 1"), id("n % 50 + 1"));
    let dependency = id(&format!("n - {COMPLETED}"));
    let completed = id(&format!("n % ({COMPLETED} - {RUNNING}) + 1 + {RUNNING}"));
    let log = "INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)";
    db.execute(&format!(
        "CREATE TABLE numbers (n INTEGER);
INSERT INTO numbers WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {TASKS})
SELECT n FROM s;
INSERT INTO pipeline_executions (id, name, status, open_tasks)
SELECT {task}, 'p', 'Running', 2 FROM numbers WHERE n <= 10000;
INSERT INTO task_executions (id, pipeline_execution_id, task_name, epoch, open_dependencies, status)
SELECT {task}, {pipeline}, 't', 1,
    CASE WHEN n > {COMPLETED} AND n <= {TASKS} - 10 THEN 1 ELSE 0 END,
    CASE WHEN n <= {READY} THEN 'Ready' WHEN n <= {SCHEDULED} THEN 'Scheduled'
        WHEN n <= {RUNNING} THEN 'Running' WHEN n <= {COMPLETED} THEN 'Completed'
        ELSE 'NotStarted' END
FROM numbers;
INSERT INTO task_dependencies (task_execution_id, dependency_id)
SELECT {task}, {dependency} FROM numbers WHERE n > {COMPLETED} AND n <= {TASKS} - 10;
INSERT INTO task_dependencies (task_execution_id, dependency_id)
SELECT {task}, {completed} FROM numbers WHERE n <= {READY};
INSERT INTO task_outbox (task_execution_id, queue, held)
SELECT {task}, CASE WHEN n % 4 < 2 THEN 'default' WHEN n % 4 = 2 THEN 'mail' ELSE 'video' END, {held}
FROM numbers WHERE n <= {READY};
INSERT INTO task_schedule (task_execution_id, due_at)
SELECT {task}, {due} FROM numbers WHERE n > {READY} AND n <= {SCHEDULED};
INSERT INTO task_workers (id, name, lease_expires_at)
SELECT {task}, 'w', {lease} FROM numbers WHERE n <= 50;
INSERT INTO task_claims (task_execution_id, worker_id, epoch)
SELECT {task}, {worker}, 1 FROM numbers WHERE n > {SCHEDULED} AND n <= {RUNNING};
{log} SELECT {task}, NULL, 'pipeline_created' FROM numbers WHERE n <= 10000;
{log} SELECT {pipeline}, {task}, 'task_created' FROM numbers;
{log} SELECT {pipeline}, {task}, 'task_marked_ready' FROM numbers WHERE n <= {COMPLETED};
{log} SELECT {pipeline}, {task}, 'task_failed' FROM numbers WHERE n <= 5;
DROP TABLE numbers;
ANALYZE"
    ))
    .await;
}
