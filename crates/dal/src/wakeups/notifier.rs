//! Says on Postgres what became ready here: after the commit, by a task and a connection of its own.
//!
//! Not within the transaction that made it ready: NOTIFY takes a lock of the whole server until that has committed to
//! disk. Not by the pool: a caller would wait for a connection that only says something, or what is to be said for a pool
//! that is used up.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use diesel_async::AsyncPgConnection;
use tokio::{
    runtime::Handle,
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::{payload::Payload, signal::Signal};
use crate::{
    Result,
    backend::postgres::{self, Pool},
    queries::wakeup::postgres::notify,
};

/// Between two notifications. Shorter than any claim takes that could be what the next commit waited for.
const GAP: Duration = Duration::from_millis(1);
/// The same while commits do not wait for what becomes of them: several came meanwhile.
const BUSY_GAP: Duration = Duration::from_millis(10);
/// How long saying it may take.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Notifier {
    id: Uuid,
    outgoing: Mutex<Option<Outgoing>>,
}

/// What is still to be said, and the task that does.
#[derive(Debug)]
struct Outgoing {
    signal: Arc<Signal>,
    /// How much was handed over, and how much of that has been said, or given up.
    raised: u64,
    said: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Default for Notifier {
    fn default() -> Self {
        Self {
            id: Uuid::now_v7(),
            outgoing: Mutex::default(),
        }
    }
}

impl Notifier {
    /// Has it said that something is ready from then on.
    pub(crate) fn send(&self, pool: &Pool, at: Instant) {
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        // A task ends with the runtime that it was spawned on.
        let running = outgoing.take().filter(|it| !it.task.is_finished());
        *outgoing = running.or_else(|| self.begin(pool));
        if let Some(outgoing) = outgoing.as_mut() {
            outgoing.raised += 1;
            outgoing.signal.raise(at);
        }
    }

    /// Waits until all that was handed over has been said, or given up.
    pub(crate) async fn flush(&self) {
        let waiting = {
            let outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
            outgoing.as_ref().map(|it| (it.raised, it.said.clone()))
        };
        if let Some((raised, mut said)) = waiting {
            // An error is that the task has ended with its runtime.
            let _ = said.wait_for(|said| *said >= raised).await;
        }
    }

    /// `None` outside of a runtime.
    fn begin(&self, pool: &Pool) -> Option<Outgoing> {
        let runtime = Handle::try_current().ok()?;
        let signal = Arc::new(Signal::default());
        let (sender, said) = watch::channel(0);
        let task = runtime.spawn(run(Arc::clone(&signal), pool.clone(), self.id, sender));
        Some(Outgoing {
            signal,
            raised: 0,
            said,
            task,
        })
    }

    pub(crate) fn has_sent(&self, payload: &Payload) -> bool {
        payload.sender == self.id
    }
}

impl Drop for Notifier {
    /// The task says what is left, and ends.
    fn drop(&mut self) {
        let outgoing = self.outgoing.get_mut();
        if let Some(outgoing) = outgoing.unwrap_or_else(PoisonError::into_inner) {
            outgoing.signal.close();
        }
    }
}

async fn run(signal: Arc<Signal>, pool: Pool, sender: Uuid, said: watch::Sender<u64>) {
    let mut connection = None;
    while let Some(hint) = signal.next().await {
        let delay = Some(hint.delay());
        let payload = Payload { sender, delay }.to_string();
        if let Err(error) = say(&mut connection, &pool, &payload).await {
            tracing::debug!(%error, "other programs were not told that tasks became ready");
        }
        said.send_modify(|said| *said += u64::from(hint.times));
        let gap = if hint.times > 1 { BUSY_GAP } else { GAP };
        #[expect(
            clippy::disallowed_methods,
            reason = "so that what is said meanwhile is said at once"
        )]
        tokio::time::sleep(gap).await;
    }
}

/// By the connection of the last time, or by another if that one has died since.
async fn say(connection: &mut Option<AsyncPgConnection>, pool: &Pool, payload: &str) -> Result<()> {
    if let Some(mut open) = connection.take()
        && let Ok(Ok(())) = timeout(PATIENCE, notify(&mut open, payload)).await
    {
        *connection = Some(open);
        return Ok(());
    }
    let said = async {
        let mut new = postgres::connect_as(pool).await?;
        notify(&mut new, payload).await?;
        Ok(new)
    };
    let said = timeout(PATIENCE, said).await;
    *connection = Some(said.unwrap_or_else(|_| Err(postgres::no_answer(PATIENCE)))?);
    Ok(())
}
