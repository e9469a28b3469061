use std::{collections::HashSet, time::Duration};

use serde_json::Value;
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::Claim;

/// An attempt that has ended, and how.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) claim: Claim,
    pub(crate) end: End,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    Complete(Option<Value>),
    Retry { error: String, delay: Duration },
    Fail { error: String },
    Defer { delay: Duration },
    Release,
}

/// Attempts that have ended and are to be written: completions in one transaction, all else in another.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    completed: Vec<(Claim, Option<Value>)>,
    others: Vec<Ended>,
    /// Those whose claims did not count.
    refused: Vec<Ended>,
}

impl Batch {
    pub(crate) fn new(ended: Vec<Ended>) -> Self {
        let mut batch = Self::default();
        for Ended { claim, end } in ended {
            match end {
                End::Complete(output) => batch.completed.push((claim, output)),
                end => batch.others.push(Ended { claim, end }),
            }
        }
        batch
    }

    /// Writes what is not written yet. After an error it can be called again.
    pub(crate) async fn write(&mut self, dal: &DAL) -> Result<()> {
        self.write_completed(dal).await?;
        self.write_others(dal).await
    }

    async fn write_completed(&mut self, dal: &DAL) -> Result<()> {
        if self.completed.is_empty() {
            return Ok(());
        }
        let outcome = dal.task_execution().complete_many(&self.completed).await?;
        let refused: HashSet<_> = outcome.refused.iter().map(|refusal| refusal.task).collect();
        for (claim, output) in self.completed.drain(..) {
            if refused.contains(&claim.task_execution_id()) {
                let end = End::Complete(output);
                self.refused.push(Ended { claim, end });
            }
        }
        Ok(())
    }

    async fn write_others(&mut self, dal: &DAL) -> Result<()> {
        if self.others.is_empty() {
            return Ok(());
        }
        let others = &self.others;
        let refused = dal
            .transaction_with_retry(async |tx: &mut Tx<'_>| {
                let mut refused = HashSet::new();
                for (number, ended) in others.iter().enumerate() {
                    match write_one(tx, ended).await {
                        Err(Error::LeaseLost { .. }) => drop(refused.insert(number)),
                        written => written?,
                    }
                }
                Ok(refused)
            })
            .await?;
        let others = self.others.drain(..).enumerate();
        let refused = others.filter(|(number, _)| refused.contains(number));
        self.refused.extend(refused.map(|(_, ended)| ended));
        Ok(())
    }

    /// What is not written yet, and leaves nothing to write.
    pub(crate) fn take_unwritten(&mut self) -> Vec<Ended> {
        let completed = self.completed.drain(..).map(|(claim, output)| Ended {
            claim,
            end: End::Complete(output),
        });
        completed.chain(self.others.drain(..)).collect()
    }

    pub(crate) fn into_refused(self) -> Vec<Ended> {
        self.refused
    }
}

async fn write_one(tx: &mut Tx<'_>, ended: &Ended) -> Result<()> {
    let claim = &ended.claim;
    let tasks = tx.task_execution();
    match &ended.end {
        End::Complete(output) => tasks.complete(claim, output.clone()).await,
        End::Retry { error, delay } => tasks.schedule_retry(claim, error, *delay).await,
        End::Fail { error } => tasks.fail(claim, error).await,
        End::Defer { delay } => tasks.defer(claim, *delay).await,
        End::Release => tasks.release(claim).await,
    }
}
