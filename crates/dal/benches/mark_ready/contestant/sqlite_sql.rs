//! `SQLite` without a DAL: rusqlite, and statements prepared once, on the calling thread.

use rusqlite::{Connection, Params};
use uuid::Uuid;

/// What the DAL tells its connections.
const SETTINGS: &str = "PRAGMA busy_timeout = 5000;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA journal_size_limit = 67108864";

/// The time now, in microseconds since the epoch.
pub(crate) const NOW: &str = "(CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000)";

/// The statements for one task.
pub(crate) const EACH: [&str; 3] = [
    "UPDATE task_executions
    SET status = 'Ready', updated_at = (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000)
    WHERE id = ?1 AND status = 'NotStarted'",
    "INSERT INTO task_outbox (task_execution_id, queue, priority, held)
    SELECT t.id, t.queue, t.priority, coalesce(p.status = 'Paused', 0)
    FROM task_executions t LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id
    WHERE t.id = ?1",
    "INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)
    SELECT pipeline_execution_id, id, 'task_marked_ready' FROM task_executions WHERE id = ?1",
];

/// The same for a list of them, which is JSON.
pub(crate) const ALL: [&str; 3] = [
    "UPDATE task_executions
    SET status = 'Ready', updated_at = (CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000)
    WHERE id IN (SELECT unhex(value) FROM json_each(?1)) AND status = 'NotStarted'",
    "INSERT INTO task_outbox (task_execution_id, queue, priority, held)
    SELECT t.id, t.queue, t.priority, coalesce(p.status = 'Paused', 0)
    FROM json_each(?1) input
    CROSS JOIN task_executions t ON t.id = unhex(input.value)
    LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id
    ORDER BY input.key",
    "INSERT INTO execution_events (pipeline_execution_id, task_execution_id, event_type)
    SELECT t.pipeline_execution_id, t.id, 'task_marked_ready'
    FROM json_each(?1) input CROSS JOIN task_executions t ON t.id = unhex(input.value)
    ORDER BY input.key",
];

/// The floor: for a list, three statements over all of it.
pub(crate) struct Sets(Connection);

/// The textbook's loop: three statements for each task, in one transaction.
pub(crate) struct Loop(Connection);

impl Sets {
    pub(crate) fn new(url: &str) -> Self {
        Self(connect(url))
    }

    pub(crate) fn mark_ready(&self, tasks: &[Uuid]) {
        run(&self.0, "BEGIN IMMEDIATE", []);
        if let [task] = tasks {
            for sql in EACH {
                assert_eq!(run(&self.0, sql, [task.as_bytes()]), 1);
            }
        } else {
            let list = json_of(tasks);
            for sql in ALL {
                assert_eq!(run(&self.0, sql, [&list]), tasks.len());
            }
        }
        run(&self.0, "COMMIT", []);
    }
}

impl Loop {
    pub(crate) fn new(url: &str) -> Self {
        Self(connect(url))
    }

    pub(crate) fn mark_ready(&self, tasks: &[Uuid]) {
        run(&self.0, "BEGIN IMMEDIATE", []);
        for task in tasks {
            for sql in EACH {
                assert_eq!(run(&self.0, sql, [task.as_bytes()]), 1);
            }
        }
        run(&self.0, "COMMIT", []);
    }
}

pub(crate) fn connect(url: &str) -> Connection {
    let file = url.trim_start_matches("sqlite://");
    let connection = Connection::open(file).expect("the database is there");
    connection.execute_batch(SETTINGS).expect("it is correct");
    connection
}

/// A list of tasks as the statements take it.
pub(crate) fn json_of(tasks: &[Uuid]) -> String {
    let digits: Vec<_> = tasks.iter().map(|task| task.simple().to_string()).collect();
    format!(r#"["{}"]"#, digits.join(r#"",""#))
}

/// Runs a statement that is prepared once, and answers how many rows it changed.
pub(crate) fn run(connection: &Connection, sql: &str, values: impl Params) -> usize {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute(values))
        .expect("it is correct")
}
