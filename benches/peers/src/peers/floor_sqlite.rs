//! SQL written for this alone, on the tables of Taskbox in a SQLite file: each step is a few statements, prepared once, in
//! one transaction. It does what Taskbox does for such tasks, with the fence and the whole history, and nothing else.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use anyhow::{Result, anyhow, ensure};
use async_trait::async_trait;
use rusqlite::{Connection, ToSql};
use taskbox_dal::DAL;
use tokio::sync::Mutex;
use tokio::task::block_in_place;
use uuid::Uuid;

use crate::database::Backend;
use crate::peer::{About, Mode, Peer, Queue, Starts, Worker, pieces};
use crate::settings::{BATCH, BUSY, floor};

/// What the DAL tells its connections.
const SETTINGS: &str = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA journal_size_limit = 67108864";

const ENQUEUE: [&str; 3] = [
    "INSERT INTO task_executions (id, task_name, status)
    SELECT unhex(value), 'noop', 'Ready' FROM json_each(?1)",
    "INSERT INTO task_outbox (task_execution_id) SELECT unhex(value) FROM json_each(?1) ORDER BY key",
    "INSERT INTO execution_events (task_execution_id, event_type)
    SELECT unhex(input.value), events.value FROM json_each(?1) input
    CROSS JOIN json_each('[\"task_created\",\"task_marked_ready\"]') events
    ORDER BY input.key, events.key",
];

const REGISTER: &str = "INSERT INTO task_workers (id, name, lease_expires_at)
    VALUES (?1, 'floor', unixepoch() * 1000000 + 86400000000)";

const LOOK: &str = "SELECT task_execution_id FROM task_outbox WHERE held = 0 AND EXISTS (
        SELECT 1 FROM task_workers WHERE id = ?1
            AND lease_expires_at > CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000
    )
    ORDER BY priority DESC, id LIMIT ?2";

const TAKE: &str = "UPDATE task_executions
    SET status = 'Running', attempt = attempt + 1, epoch = epoch + 1,
        updated_at = CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000
    WHERE id IN (SELECT unhex(value) FROM json_each(?1)) AND status = 'Ready'
    RETURNING id, epoch, task_name, input, attempt";

/// The tasks, and the worker as bytes and as text.
const TAKEN: [&str; 3] = [
    "DELETE FROM task_outbox
    WHERE task_execution_id IN (SELECT unhex(value) FROM json_each(?1))",
    "INSERT INTO task_claims (task_execution_id, worker_id, epoch)
    SELECT t.id, ?2, t.epoch
    FROM json_each(?1) input CROSS JOIN task_executions t ON t.id = unhex(input.value)",
    "INSERT INTO execution_events (task_execution_id, event_type, event_data)
    SELECT t.id, 'task_claimed', json_object('worker', ?2, 'attempt', t.attempt, 'epoch', t.epoch)
    FROM json_each(?1) input CROSS JOIN task_executions t ON t.id = unhex(input.value)
    ORDER BY input.key",
];

/// The claims, each of which is a pair, and the worker.
const COMPLETE: &str = "UPDATE task_executions AS t
    SET status = 'Completed',
        updated_at = CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000
    FROM json_each(?1) input
    WHERE t.id = unhex(input.value ->> 0) AND t.status = 'Running' AND t.epoch = input.value ->> 1
        AND EXISTS (
            SELECT 1 FROM task_workers WHERE id = ?2
                AND lease_expires_at > CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000
        )";

const COMPLETED: [&str; 2] = [
    "DELETE FROM task_claims
    WHERE task_execution_id IN (SELECT unhex(value) FROM json_each(?1))",
    "INSERT INTO execution_events (task_execution_id, event_type)
    SELECT unhex(value), 'task_completed' FROM json_each(?1) ORDER BY key",
];

pub(crate) struct Floor;

#[async_trait]
impl Peer for Floor {
    fn about(&self) -> About {
        About {
            name: "SQL by hand",
            package: "rusqlite",
            keeps: "the task and 4 events",
            unfinished: "SELECT count(*) FROM task_executions WHERE status <> 'Completed'",
        }
    }

    fn settings(&self, _mode: Mode) -> String {
        format!("1 × {}", floor::BATCH)
    }

    async fn open(&self, _backend: Backend, url: &str, _mode: Mode) -> Result<Box<dyn Queue>> {
        DAL::connect(url).await?.migrate().await?;
        Ok(Box::new(Tasks {
            file: Mutex::new(File::open(url)?),
            url: url.to_owned(),
            worker: Mutex::default(),
        }))
    }
}

struct Tasks {
    file: Mutex<File>,
    url: String,
    /// Whom to tell of new tasks, and when to stop.
    worker: Mutex<Option<mpsc::Sender<Message>>>,
}

enum Message {
    NewTasks,
    Stop,
}

#[async_trait]
impl Queue for Tasks {
    async fn enqueue(&self, jobs: usize) -> Result<()> {
        let file = self.file.lock().await;
        for piece in pieces(jobs, BATCH) {
            let new: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(piece).collect();
            block_in_place(|| file.transaction(|file| file.all(&ENQUEUE, &[&json_of(&new)])))?;
            if let Some(worker) = &*self.worker.lock().await {
                worker.send(Message::NewTasks)?;
            }
        }
        Ok(())
    }

    async fn start(&self, starts: Starts) -> Result<Box<dyn Worker>> {
        let (sender, receiver) = mpsc::channel();
        *self.worker.lock().await = Some(sender.clone());
        let file = File::open(&self.url)?;
        let run = thread::spawn(move || run(&file, &receiver, &starts));
        Ok(Box::new(Loop { sender, run }))
    }
}

fn run(file: &File, messages: &mpsc::Receiver<Message>, starts: &Starts) -> Result<()> {
    let worker = Uuid::now_v7();
    file.all(&[REGISTER], &[worker.as_bytes()])?;
    loop {
        let claims = file.transaction(|file| file.claim(worker))?;
        if claims.is_empty() {
            match messages.recv()? {
                Message::NewTasks => continue,
                Message::Stop => return Ok(()),
            }
        }
        claims.iter().for_each(|_| starts.tell());
        file.transaction(|file| file.complete(worker, &claims))?;
    }
}

struct Loop {
    sender: mpsc::Sender<Message>,
    run: JoinHandle<Result<()>>,
}

#[async_trait]
impl Worker for Loop {
    async fn stop(self: Box<Self>) -> Result<()> {
        self.sender.send(Message::Stop)?;
        let ended = block_in_place(|| self.run.join());
        ended.map_err(|_| anyhow!("the worker panicked"))?
    }
}

struct File(Connection);

impl File {
    fn open(url: &str) -> Result<Self> {
        let connection = Connection::open(url.trim_start_matches("sqlite://"))?;
        connection.busy_timeout(BUSY)?;
        connection.execute_batch(SETTINGS)?;
        Ok(Self(connection))
    }

    fn transaction<T>(&self, body: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        self.all(&["BEGIN IMMEDIATE"], &[])?;
        let done = body(self)?;
        self.all(&["COMMIT"], &[])?;
        Ok(done)
    }

    fn all(&self, statements: &[&str], values: &[&dyn ToSql]) -> Result<()> {
        for sql in statements {
            self.0.prepare_cached(sql)?.execute(values)?;
        }
        Ok(())
    }

    fn claim(&self, worker: Uuid) -> Result<Vec<(Uuid, i64)>> {
        let mut look = self.0.prepare_cached(LOOK)?;
        let found = look.query_map((worker.as_bytes(), floor::BATCH), |row| {
            row.get(0).map(Uuid::from_bytes)
        })?;
        let found = json_of(&found.collect::<rusqlite::Result<Vec<_>>>()?);
        let mut take = self.0.prepare_cached(TAKE)?;
        let taken = take.query_map([&found], |row| {
            Ok((row.get(0).map(Uuid::from_bytes)?, row.get(1)?))
        })?;
        let taken = taken.collect::<rusqlite::Result<Vec<_>>>()?;
        let [leave, enter, log] = TAKEN;
        self.all(&[leave], &[&found])?;
        self.all(&[enter], &[&found, worker.as_bytes()])?;
        self.all(&[log], &[&found, &worker.to_string()])?;
        Ok(taken)
    }

    fn complete(&self, worker: Uuid, claims: &[(Uuid, i64)]) -> Result<()> {
        let pairs: Vec<_> = claims
            .iter()
            .map(|(task, epoch)| format!(r#"["{}",{epoch}]"#, task.simple()))
            .collect();
        let pairs = format!("[{}]", pairs.join(","));
        let mut complete = self.0.prepare_cached(COMPLETE)?;
        let ended = complete.execute((pairs, worker.as_bytes()))?;
        ensure!(ended == claims.len(), "a task was taken from its worker");
        let tasks: Vec<_> = claims.iter().map(|(task, _)| *task).collect();
        self.all(&COMPLETED, &[&json_of(&tasks)])
    }
}

fn json_of(tasks: &[Uuid]) -> String {
    let tasks: Vec<_> = tasks.iter().map(|id| id.simple().to_string()).collect();
    if tasks.is_empty() {
        return "[]".to_owned();
    }
    format!(r#"["{}"]"#, tasks.join(r#"",""#))
}
