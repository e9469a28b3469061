//! `SQLite` without a DAL: for each step a few statements, prepared once, on the calling thread.

use rusqlite::{Connection, ToSql};
use uuid::Uuid;

use crate::mark_ready::contestant::sqlite_sql::{ALL, EACH, NOW, connect, json_of, run};

/// More statements than there are.
const STATEMENTS: usize = 32;

/// The statements of the steps. `?1` is one task, or a list of them as JSON.
struct Statements {
    create: [String; 2],
    mark_ready: [&'static str; 3],
    claim: [String; 5],
    complete: [String; 3],
}

impl Statements {
    fn of_one() -> Self {
        let claimed = format!(
            "WHERE id = ?1 AND status = 'Running' AND epoch = ?3 AND {}",
            live("?2")
        );
        Self::new("(SELECT ?1 AS id, 1 AS key)", "= ?1", EACH, &claimed)
    }

    fn of_many() -> Self {
        let claimed = format!(
            "FROM json_each(?1) input WHERE t.id = unhex(input.value ->> 0)
                AND t.status = 'Running' AND t.epoch = input.value ->> 1 AND {}",
            live("?2")
        );
        let ids = "IN (SELECT unhex(value) FROM json_each(?1))";
        Self::new(
            "(SELECT unhex(value) AS id, key FROM json_each(?1))",
            ids,
            ALL,
            &claimed,
        )
    }

    /// `list` is a table of the tasks, `which` compares an id with them, `claimed` finds those whose claims are good.
    fn new(list: &str, which: &str, mark_ready: [&'static str; 3], claimed: &str) -> Self {
        Self {
            create: [
                format!("INSERT INTO task_executions (id, task_name) SELECT id, 'bench' FROM {list}"),
                log("'task_created'", "NULL", &format!("{list} t")),
            ],
            mark_ready,
            claim: [
                format!(
                    "SELECT task_execution_id FROM task_outbox WHERE held = 0 AND {}
                    ORDER BY priority DESC, id LIMIT ?2",
                    live("?1")
                ),
                format!(
                    "UPDATE task_executions SET status = 'Running', attempt = attempt + 1,
                        epoch = epoch + 1, updated_at = {NOW}
                    WHERE id {which} AND status = 'Ready'
                    RETURNING id, epoch, task_name, input, attempt"
                ),
                format!("DELETE FROM task_outbox WHERE task_execution_id {which}"),
                format!(
                    "INSERT INTO task_claims (task_execution_id, worker_id, epoch)
                    SELECT t.id, ?2, t.epoch FROM {list} input CROSS JOIN task_executions t USING (id)"
                ),
                log(
                    "'task_claimed'",
                    "json_object('worker', ?2, 'attempt', t.attempt, 'epoch', t.epoch)",
                    &format!("{list} input CROSS JOIN task_executions t USING (id)"),
                ),
            ],
            complete: [
                format!(
                    "UPDATE task_executions AS t SET status = 'Completed', updated_at = {NOW} {claimed}"
                ),
                format!("DELETE FROM task_claims WHERE task_execution_id {which}"),
                log("'task_completed'", "NULL", &format!("{list} t")),
            ],
        }
    }
}

fn log(event: &str, data: &str, tasks: &str) -> String {
    format!(
        "INSERT INTO execution_events (task_execution_id, event_type, event_data)
        SELECT t.id, {event}, {data} FROM {tasks} ORDER BY key"
    )
}

/// Whether the lease of a worker lasts.
fn live(worker: &str) -> String {
    format!("EXISTS (SELECT 1 FROM task_workers WHERE id = {worker} AND lease_expires_at > {NOW})")
}

pub(crate) struct Floor {
    connection: Connection,
    statements: Statements,
    worker: Uuid,
    tasks: Vec<Uuid>,
    epochs: Vec<i64>,
}

impl Floor {
    /// For that many tasks.
    pub(crate) fn new(url: &str, tasks: usize) -> Self {
        let connection = connect(url);
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let worker = Uuid::now_v7();
        let register = format!(
            "INSERT INTO task_workers (id, name, lease_expires_at) VALUES (?1, 'bench', {NOW} + 86400000000)"
        );
        run(&connection, &register, [worker.as_bytes()]);
        Self {
            connection,
            statements: match tasks {
                1 => Statements::of_one(),
                _ => Statements::of_many(),
            },
            worker,
            tasks: Vec::new(),
            epochs: Vec::new(),
        }
    }

    pub(crate) fn create(&mut self, tasks: usize) {
        self.tasks = std::iter::repeat_with(Uuid::now_v7).take(tasks).collect();
        self.begin();
        let list = self.list();
        for sql in &self.statements.create {
            self.run(sql, &[&*list]);
        }
        self.commit();
    }

    pub(crate) fn mark_ready(&mut self) {
        self.begin();
        let list = self.list();
        for sql in self.statements.mark_ready {
            self.run(sql, &[&*list]);
        }
        self.commit();
    }

    pub(crate) fn claim(&mut self) {
        let worker = self.worker.as_bytes();
        let [look, change, leave, enter, log] = &self.statements.claim;
        self.begin();
        let limit = i64::try_from(self.tasks.len()).expect("it is small");
        self.tasks = self.rows(look, &[worker, &limit], |row| {
            row.get(0).map(Uuid::from_bytes)
        });
        let list = self.list();
        let changed: Vec<(Uuid, i64)> = self.rows(change, &[&*list], |row| {
            Ok((row.get(0).map(Uuid::from_bytes)?, row.get(1)?))
        });
        assert_eq!(changed.len(), self.tasks.len());
        self.run(leave, &[&*list]);
        self.run(enter, &[&*list, worker]);
        self.run(log, &[&*list, &self.worker.to_string()]);
        self.commit();
        (self.tasks, self.epochs) = changed.into_iter().unzip();
    }

    pub(crate) fn complete(&mut self) {
        let worker = self.worker.as_bytes();
        let [change, leave, log] = &self.statements.complete;
        self.begin();
        match self.epochs.as_slice() {
            [epoch] => self.run(change, &[self.tasks[0].as_bytes(), worker, epoch]),
            epochs => {
                let claims = self.tasks.iter().zip(epochs);
                let claims: Vec<_> = claims
                    .map(|(task, epoch)| format!(r#"["{}",{epoch}]"#, task.simple()))
                    .collect();
                let claims = format!("[{}]", claims.join(","));
                self.run(change, &[&claims, worker]);
            }
        }
        let list = self.list();
        self.run(leave, &[&*list]);
        self.run(log, &[&*list]);
        self.commit();
    }

    /// The tasks as the statements take them.
    fn list(&self) -> Box<dyn ToSql> {
        match self.tasks.as_slice() {
            [task] => Box::new(*task.as_bytes()),
            tasks => Box::new(json_of(tasks)),
        }
    }

    /// Runs a statement that changes or makes a row for each of the tasks.
    fn run(&self, sql: &str, values: &[&dyn ToSql]) {
        assert_eq!(run(&self.connection, sql, values), self.tasks.len());
    }

    fn rows<T>(
        &self,
        sql: &str,
        values: &[&dyn ToSql],
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let mut statement = self.connection.prepare_cached(sql).expect("it is correct");
        let rows = statement
            .query_map(values, read)
            .and_then(Iterator::collect);
        rows.expect("it is correct")
    }

    fn begin(&self) {
        run(&self.connection, "BEGIN IMMEDIATE", []);
    }

    fn commit(&self) {
        run(&self.connection, "COMMIT", []);
    }
}
