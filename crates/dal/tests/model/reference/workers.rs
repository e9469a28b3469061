//! Workers, their leases, and what they hold.

use std::collections::BTreeSet;

use taskbox_dal::Moved;
use taskbox_models::{Conflict, TaskStatus};
use uuid::Uuid;

use super::{
    Reference,
    moves::{
        ABANDON, Arrow, CLAIM, COMPLETE, DEFER, FAIL, MARK_READY, RECOVER, REDRIVE, RELEASE,
        RETRY_AT_ONCE, RETRY_LATER,
    },
};
use crate::{
    operation::{Answer, MAX_ATTEMPTS, MAX_RECOVERIES},
    state::Task,
    work::{Back, Slot, Work, place},
};

#[derive(Clone)]
pub(super) struct Worker {
    /// Neither deregistered nor forgotten.
    pub(super) is_there: bool,
    lease_lasts: bool,
    cancelled: Vec<Uuid>,
}

/// A claim.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Held {
    task: Uuid,
    worker: usize,
    pub(super) epoch: i64,
}

impl Reference {
    pub(super) fn work(&mut self, work: &Work) -> Answer {
        let answer = match work {
            Work::Register(slot) => Some(self.register(*slot)),
            Work::Heartbeat(slot) => self.heartbeat(*slot),
            Work::Deregister(slot) => self.deregister(*slot),
            Work::Claim(slot, queue, limit) => self.claim(*slot, *queue, *limit),
            Work::Complete(back) => self.end_attempt(*back, &COMPLETE),
            Work::CompleteMany(backs) => Some(self.complete_many(backs)),
            Work::Fail(back) => self.end_attempt(*back, &FAIL),
            Work::Retry(back, later) => self.retry(*back, *later),
            Work::Defer(back) => self.give_back(*back, &DEFER),
            Work::Release(back) => self.give_back(*back, &RELEASE),
        };
        answer.unwrap_or(Answer::Nobody)
    }

    fn register(&mut self, slot: Slot) -> Answer {
        self.slots.insert(slot, self.workers.len());
        self.workers.push(Worker {
            is_there: true,
            lease_lasts: true,
            cancelled: Vec::new(),
        });
        Answer::Done
    }

    pub(super) fn expire(&mut self, slot: Slot) {
        if let Some(worker) = self.slots.get(&slot) {
            self.workers[*worker].lease_lasts = false;
        }
    }

    fn heartbeat(&mut self, slot: Slot) -> Option<Answer> {
        let number = *self.slots.get(&slot)?;
        let has_again = self.held_by(|held| held.worker == number);
        let worker = &mut self.workers[number];
        if !worker.is_there {
            return Some(Answer::LeaseLost(None));
        }
        worker.lease_lasts = true;
        let mut cancelled = std::mem::take(&mut worker.cancelled);
        cancelled.retain(|task| !has_again.contains(task));
        cancelled.sort();
        // A sweep takes all that a worker has, and then forgets it.
        Some(Answer::Told(Vec::new(), cancelled))
    }

    fn deregister(&mut self, slot: Slot) -> Option<Answer> {
        let worker = *self.slots.get(&slot)?;
        let tasks = self.held_by(|held| held.worker == worker);
        for task in &tasks {
            self.task(*task).attempt -= 1;
        }
        self.move_all(&tasks, &RELEASE);
        self.workers[worker].is_there = false;
        Some(Answer::Done)
    }

    fn claim(&mut self, slot: Slot, queue: Option<&str>, limit: i64) -> Option<Answer> {
        let worker = *self.slots.get(&slot)?;
        if limit == 0 {
            return Some(Answer::Claimed(Vec::new()));
        }
        if !self.is_live(worker) {
            return Some(Answer::LeaseLost(None));
        }
        let due: Vec<Uuid> = self.due.iter().copied().collect();
        self.move_all(&due, &MARK_READY);
        let mut rows = self.rows.clone();
        rows.sort_by_key(|row| -row.1);
        let can_be_taken = |task: &Uuid| {
            let task = &self.state.tasks[task];
            task.status == TaskStatus::Ready && queue.is_none_or(|queue| task.queue == queue)
        };
        let ready = rows.iter().map(|row| row.0).filter(can_be_taken);
        let taken: Vec<Uuid> = ready.take(usize::try_from(limit).unwrap()).collect();
        self.move_all(&taken, &CLAIM);
        let claims = taken.iter().map(|id| {
            let task = self.task(*id);
            task.attempt += 1;
            task.epoch += 1;
            let (attempt, epoch) = (task.attempt, task.epoch);
            let held = Held {
                task: *id,
                worker,
                epoch,
            };
            self.claims.push(held);
            self.running.insert(*id, held);
            (*id, attempt, epoch)
        });
        Some(Answer::Claimed(claims.collect()))
    }

    fn retry(&mut self, back: Back, later: bool) -> Option<Answer> {
        let task = self.chosen(back)?.task;
        let arrow = match later {
            _ if self.task(task).attempt >= MAX_ATTEMPTS => &FAIL,
            true => &RETRY_LATER,
            false => &RETRY_AT_ONCE,
        };
        self.end_attempt(back, arrow)
    }

    fn give_back(&mut self, back: Back, arrow: &Arrow) -> Option<Answer> {
        let answer = self.end_attempt(back, arrow)?;
        if answer == Answer::Done {
            let task = self.chosen(back)?.task;
            self.task(task).attempt -= 1;
        }
        Some(answer)
    }

    fn end_attempt(&mut self, back: Back, arrow: &Arrow) -> Option<Answer> {
        let held = self.chosen(back)?;
        if !self.counts(held) {
            return Some(Answer::LeaseLost(Some(held.task)));
        }
        self.move_all(&[held.task], arrow);
        Some(Answer::Done)
    }

    fn complete_many(&mut self, backs: &[Back]) -> Answer {
        let mut answer = Moved::default();
        let mut seen = BTreeSet::new();
        let claims: Vec<Held> = backs.iter().filter_map(|back| self.chosen(*back)).collect();
        for held in claims {
            if !seen.insert((held.task, held.epoch)) {
                continue;
            }
            if self.counts(held) {
                answer.moved.push(held.task);
            } else {
                answer.refused.push(Conflict {
                    task: held.task,
                    expected: vec![TaskStatus::Running],
                    found: self.status(held.task),
                });
            }
        }
        self.move_all(&answer.moved, &COMPLETE);
        Answer::Moved(answer)
    }

    /// Of all whose lease is over.
    pub(super) fn recover(&mut self) -> Answer {
        let expired = |worker: &Worker| !worker.lease_lasts;
        let tasks = self.held_by(|held| expired(&self.workers[held.worker]));
        let (recovered, abandoned): (Vec<Uuid>, Vec<Uuid>) = tasks
            .into_iter()
            .partition(|task| self.task(*task).recoveries < MAX_RECOVERIES);
        for task in &recovered {
            self.task(*task).recoveries += 1;
        }
        let back = recovered.iter().map(|task| (*task, &RECOVER));
        let gone = abandoned.iter().map(|task| (*task, &ABANDON));
        self.move_each(&back.chain(gone).collect::<Vec<_>>());
        for worker in self.workers.iter_mut().filter(|it| expired(it)) {
            worker.is_there = false;
        }
        Answer::Recovered(recovered, abandoned)
    }

    pub(super) fn redrive(&mut self, id: Uuid) -> Answer {
        let answer = self.move_one(id, &REDRIVE);
        if answer == Answer::Done {
            let task = self.task(id);
            (task.attempt, task.recoveries) = (0, 0);
        }
        answer
    }

    /// The task goes elsewhere, and its worker hears of it if somebody else cancelled it.
    pub(super) fn leave_worker(&mut self, task: Uuid, to: TaskStatus) {
        if let Some(held) = self.running.remove(&task)
            && to == TaskStatus::Cancelled
        {
            self.workers[held.worker].cancelled.push(task);
        }
    }

    fn chosen(&self, back: Back) -> Option<Held> {
        Some(self.claims[place(self.claims.len(), back)?])
    }

    /// Whether it may still end the attempt.
    fn counts(&self, held: Held) -> bool {
        self.running.get(&held.task) == Some(&held) && self.is_live(held.worker)
    }

    fn is_live(&self, worker: usize) -> bool {
        let worker = &self.workers[worker];
        worker.is_there && worker.lease_lasts
    }

    /// In the order of their ids.
    fn held_by(&self, whose: impl Fn(&Held) -> bool) -> Vec<Uuid> {
        let held = self.running.values().filter(|held| whose(held));
        held.map(|held| held.task).collect()
    }

    fn task(&mut self, id: Uuid) -> &mut Task {
        self.state.tasks.get_mut(&id).unwrap()
    }
}
