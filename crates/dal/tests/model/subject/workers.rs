//! What workers do, on one backend.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use taskbox_dal::{DAL, Heartbeat, Recovered, Result, Tx};
use taskbox_models::{Claim, Worker};
use taskbox_test_support::{Backend, canary::PAYLOAD};
use uuid::Uuid;

use super::{Subject, answer, done};
use crate::{
    operation::Answer,
    work::{Back, Slot, Work, place},
};

/// What the workers know that is not in the database.
#[derive(Clone, Default)]
pub(super) struct Known {
    slots: BTreeMap<Slot, Worker>,
    claims: Vec<Claim>,
}

impl Known {
    fn claim(&self, back: Back) -> Option<Claim> {
        Some(self.claims[place(self.claims.len(), back)?].clone())
    }

    fn register(&mut self, slot: Slot, worker: Worker) -> Answer {
        self.slots.insert(slot, worker);
        Answer::Done
    }

    fn keep(&mut self, claims: Vec<Claim>) -> Answer {
        let shown = |claim: &Claim| (claim.task_execution_id(), claim.attempt(), claim.epoch());
        let answer = Answer::Claimed(claims.iter().map(shown).collect());
        self.claims.extend(claims);
        answer
    }
}

/// Calls through a door, whose accessors have the same methods and no trait.
macro_rules! call {
    ($door:expr, $known:expr, $work:expr) => {{
        let worker = |slot: &Slot| $known.lock().unwrap().slots.get(slot).cloned();
        let claim = |back: &Back| $known.lock().unwrap().claim(*back);
        match $work {
            Work::Register(slot) => {
                let made = $door.worker().register("w").await;
                Some(made.map(|worker| $known.lock().unwrap().register(*slot, worker)))
            }
            Work::Heartbeat(slot) => match worker(slot) {
                Some(worker) => Some($door.worker().heartbeat(&worker).await.map(told)),
                None => None,
            },
            Work::Deregister(slot) => match worker(slot) {
                Some(worker) => Some(done($door.worker().deregister(worker).await)),
                None => None,
            },
            Work::Claim(slot, queue, limit) => match worker(slot) {
                Some(worker) => {
                    let tasks = $door.task_execution();
                    let claims = match queue {
                        Some(queue) => tasks.claim_from(&worker, &[queue], *limit).await,
                        None => tasks.claim(&worker, *limit).await,
                    };
                    Some(claims.map(|claims| $known.lock().unwrap().keep(claims)))
                }
                None => None,
            },
            Work::CompleteMany(backs) => {
                let claims: Vec<_> = backs
                    .iter()
                    .filter_map(claim)
                    .map(|it| (it, None))
                    .collect();
                let moved = $door.task_execution().complete_many(&claims).await;
                Some(moved.map(Answer::Moved))
            }
            Work::Complete(back)
            | Work::Fail(back)
            | Work::Retry(back, _)
            | Work::Defer(back)
            | Work::Release(back) => match claim(back) {
                Some(claim) => Some(done({
                    let tasks = $door.task_execution();
                    match $work {
                        Work::Fail(_) => tasks.fail(&claim, PAYLOAD).await,
                        Work::Retry(_, later) => {
                            let delay = if *later { HOUR } else { Duration::ZERO };
                            tasks.schedule_retry(&claim, PAYLOAD, delay).await
                        }
                        Work::Defer(_) => tasks.defer(&claim, HOUR).await,
                        Work::Release(_) => tasks.release(&claim).await,
                        _ => tasks.complete(&claim, None).await,
                    }
                })),
                None => None,
            },
        }
    }};
}

const HOUR: Duration = Duration::from_hours(1);

pub(super) async fn on_dal(dal: &DAL, known: &Mutex<Known>, work: &Work) -> Answer {
    answer_or_nobody(call!(dal, known, work))
}

pub(super) async fn on_tx(tx: &mut Tx<'_>, known: &Mutex<Known>, work: &Work) -> Answer {
    answer_or_nobody(call!(tx, known, work))
}

fn answer_or_nobody(called: Option<Result<Answer>>) -> Answer {
    called.map_or(Answer::Nobody, answer)
}

fn told(beat: Heartbeat) -> Answer {
    Answer::Told(sorted(beat.lost), sorted(beat.cancelled))
}

fn sorted(mut tasks: Vec<Uuid>) -> Vec<Uuid> {
    tasks.sort();
    tasks
}

impl Subject {
    pub(super) async fn expire(&self, slot: Slot) {
        let worker = self.known().slots.get(&slot).map(|worker| worker.id);
        let Some(worker) = worker else {
            return;
        };
        let id = self.db.uuid_literal(worker);
        self.db
            .execute(&format!(
                "UPDATE task_workers SET lease_expires_at = registered_at WHERE id = {id}"
            ))
            .await;
    }

    /// All at the same time, so that they come in the order of their ids.
    pub(super) async fn make_due(&self) {
        let epoch = match self.db.backend() {
            Backend::Postgres => "'epoch'",
            Backend::Sqlite => "0",
        };
        let sql = format!("UPDATE task_schedule SET due_at = {epoch}");
        self.db.execute(&sql).await;
    }

    pub(super) async fn recover(&self) -> Answer {
        match self.dal.task_execution().recover_expired(1_000).await {
            Ok(Recovered {
                recovered,
                abandoned,
            }) => {
                self.order(&recovered).await;
                Answer::Recovered(sorted(recovered), sorted(abandoned))
            }
            refused => answer(refused.map(|_| Answer::Done)),
        }
    }

    /// Nobody promises in which order the tasks of the dead come back: here, in that of their ids.
    async fn order(&self, tasks: &[Uuid]) {
        for task in sorted(tasks.to_vec()) {
            let id = self.db.uuid_literal(task);
            self.db
                .execute(&format!(
                    "CREATE TEMPORARY TABLE taken AS SELECT * FROM task_outbox WHERE task_execution_id = {id};
DELETE FROM task_outbox WHERE task_execution_id = {id};
INSERT INTO task_outbox (task_execution_id, created_at, queue, priority, held)
    SELECT task_execution_id, created_at, queue, priority, held FROM taken;
DROP TABLE taken"
                ))
                .await;
        }
    }
}
