//! Postgres without any of it: a table of jobs, LISTEN, and one statement each to make a job and to take one.

use std::{future::poll_fn, time::Instant};

use taskbox_test_support::TestDatabase;
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, NoTls, Statement};

use crate::Start;

const TABLE: &str = "
CREATE TABLE jobs (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state TEXT NOT NULL DEFAULT 'ready');
CREATE INDEX ON jobs (id) WHERE state = 'ready'";

const MAKE: &str = "
WITH made AS (INSERT INTO jobs DEFAULT VALUES RETURNING id)
SELECT pg_notify('jobs', '')::text FROM made";

const TAKE: &str = "
UPDATE jobs SET state = 'running' WHERE id = (
    SELECT id FROM jobs WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id";

pub(crate) struct Floor {
    client: Client,
    make: Statement,
    started: mpsc::UnboundedReceiver<Instant>,
}

impl Floor {
    pub(crate) async fn new(database: &TestDatabase) -> Self {
        database.execute(TABLE).await;
        let url = database.url();
        let (client, _) = connect(&url).await;
        let make = client.prepare(MAKE).await.expect("it is correct");
        let (worker, mut notifications) = connect(&url).await;
        let take = worker.prepare(TAKE).await.expect("it is correct");
        worker
            .batch_execute("LISTEN jobs")
            .await
            .expect("it is correct");
        let (starts, started) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while notifications.recv().await.is_some() {
                let rows = worker.query(&take, &[]).await.expect("it is correct");
                if !rows.is_empty() && starts.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
        Self {
            client,
            make,
            started,
        }
    }

    pub(crate) async fn start(&mut self) -> Start {
        let asked = Instant::now();
        let made = self.client.query(&self.make, &[]).await;
        made.expect("it is correct");
        let answered = Instant::now();
        let started = self.started.recv().await.expect("it starts");
        Start {
            asked,
            answered,
            started,
        }
    }
}

/// A connection, and what it is notified of.
async fn connect(url: &str) -> (Client, mpsc::UnboundedReceiver<()>) {
    let connected = tokio_postgres::connect(url, NoTls).await;
    let (client, mut driver) = connected.expect("the database is there");
    let (notified, notifications) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| driver.poll_message(context)).await {
            if matches!(message, AsyncMessage::Notification(_)) && notified.send(()).is_err() {
                // Nobody is interested; the client still needs its answers.
            }
        }
    });
    (client, notifications)
}
