//! What is the same for apalis on either database.

use ::apalis::prelude::{BoxDynError, Data, WorkerContext, WorkerError};
use anyhow::Result;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::peer::{Mode, Starts, Worker};
use crate::settings::apalis;

pub(super) const QUEUE: &str = "noop";

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Noop {}

pub(super) async fn noop(_job: Noop, starts: Data<Starts>) -> Result<(), BoxDynError> {
    starts.tell();
    Ok(())
}

pub(super) fn describe(mode: Mode) -> String {
    match mode {
        Mode::Throughput => format!("batches of {}", apalis::BATCH),
        Mode::Latency => format!("batches of 10, looks each {:?}", apalis::SHORT_POLL),
        Mode::Defaults => format!("batches of 10, looks each {:?}", apalis::POLL),
    }
}

pub(super) struct Running {
    pub(super) context: WorkerContext,
    pub(super) running: JoinHandle<Result<(), WorkerError>>,
}

#[async_trait]
impl Worker for Running {
    async fn stop(self: Box<Self>) -> Result<()> {
        self.context.stop()?;
        Ok(self.running.await??)
    }
}
