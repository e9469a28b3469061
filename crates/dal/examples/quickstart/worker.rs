//! A worker: claims tasks, hashes their files, and completes each with its hash.

use std::{path::PathBuf, time::Duration};

use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use serde_json::json;
use taskbox_dal::{DAL, Error};
use taskbox_models::Claim;
use tokio::{
    task::spawn_blocking,
    time::{Interval, interval},
};
use uuid::Uuid;

use crate::{Result, database::imports, files};

/// How many tasks a worker takes at once.
const BATCH: i64 = 2;
/// How often a worker says that it lives, and looks after those that do not: well within any lease.
const TICK: Duration = Duration::from_millis(500);

pub(crate) struct Worker {
    dal: DAL,
    pub(crate) row: taskbox_models::Worker,
    ticks: Interval,
}

impl Worker {
    /// A worker with a handle of its own, as one in another program would have.
    pub(crate) async fn start(url: &str, name: &str, lease: Duration) -> Result<Self> {
        let dal = DAL::builder(url).lease(lease).connect().await?;
        let row = dal.worker().register(name).await?;
        let ticks = interval(TICK);
        Ok(Self { dal, row, ticks })
    }

    /// Takes tasks; none if none is ready.
    pub(crate) async fn claim(&self) -> Result<Vec<Claim>> {
        Ok(self.dal.task_execution().claim(&self.row, BATCH).await?)
    }

    /// Works until the pipeline has ended. While nothing is ready, takes back what dead workers hold.
    pub(crate) async fn work(&mut self, pipeline: Uuid) -> Result<()> {
        loop {
            let claims = self.claim().await?;
            for claim in &claims {
                self.attempt(claim).await?;
            }
            let pipeline = self.dal.pipeline_execution().get(pipeline).await?;
            if pipeline.status.is_terminal() {
                return Ok(self.dal.worker().deregister(self.row.clone()).await?);
            }
            if claims.is_empty() {
                self.ticks.tick().await;
                self.beat().await?;
                self.dal.task_execution().recover_expired(100).await?;
            }
        }
    }

    /// Works on these tasks but for the last, and dies with that one: no heartbeat, and no word to anyone.
    pub(crate) async fn die(&mut self, mut claims: Vec<Claim>) -> Result<Claim> {
        let in_hand = claims.pop().ok_or("there was no task to die with")?;
        for claim in &claims {
            self.attempt(claim).await?;
        }
        Ok(in_hand)
    }

    /// Hashes a task's file, and keeps the lease meanwhile.
    async fn attempt(&mut self, claim: &Claim) -> Result<()> {
        let path = path_of(claim)?;
        let mut hashing = spawn_blocking(move || files::sha256(&path));
        let hash = loop {
            tokio::select! {
                biased;
                _ = self.ticks.tick() => {
                    if self.beat().await?.contains(&claim.task_execution_id()) {
                        return Ok(());
                    }
                }
                hash = &mut hashing => break hash?,
            }
        };
        let ended = match hash {
            Ok(hash) => self.complete(claim, &hash).await,
            Err(error) => {
                self.dal
                    .task_execution()
                    .fail(claim, error.to_string())
                    .await
            }
        };
        match ended {
            // It is another's now, or will be.
            Err(Error::LeaseLost { .. }) => Ok(()),
            ended => Ok(ended?),
        }
    }

    /// Renews the lease. Answers with the tasks that others have taken away since the last time.
    async fn beat(&self) -> Result<Vec<Uuid>> {
        let beat = self.dal.worker().heartbeat(&self.row).await?;
        Ok([beat.lost, beat.cancelled].concat())
    }

    /// Counts the file and completes its task with the hash: both, or neither.
    pub(crate) async fn complete(&self, claim: &Claim, hash: &str) -> Result<(), Error> {
        self.dal
            .transaction_with_retry(async |tx| {
                diesel::update(imports::table)
                    .set(imports::hashed.eq(imports::hashed + 1))
                    .execute(tx.sqlite()?)
                    .await?;
                let output = json!({"sha256": hash});
                tx.task_execution().complete(claim, Some(output)).await
            })
            .await
    }
}

fn path_of(claim: &Claim) -> Result<PathBuf> {
    let path = claim.input().and_then(|input| input["path"].as_str());
    Ok(path.ok_or("the task has no path")?.into())
}
