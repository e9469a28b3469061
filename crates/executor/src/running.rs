use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use taskbox_models::Claim;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The attempts that run, by task and epoch: a task that was taken away and claimed again can be there twice.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<Tokens>);

type Tokens = BTreeMap<(Uuid, i64), CancellationToken>;

impl Running {
    pub(crate) fn insert(&self, claim: &Claim, token: CancellationToken) {
        self.tokens().insert(key(claim), token);
    }

    pub(crate) fn remove(&self, claim: &Claim) {
        self.tokens().remove(&key(claim));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tokens().is_empty()
    }

    /// Fires the tokens of these tasks.
    pub(crate) fn interrupt(&self, tasks: &[Uuid]) {
        for task in tasks {
            let every_epoch = (*task, i64::MIN)..=(*task, i64::MAX);
            for (_, token) in self.tokens().range(every_epoch) {
                token.cancel();
            }
        }
    }

    /// Fires all tokens.
    pub(crate) fn interrupt_all(&self) {
        for token in self.tokens().values() {
            token.cancel();
        }
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(claim: &Claim) -> (Uuid, i64) {
    (claim.task_execution_id(), claim.epoch())
}
