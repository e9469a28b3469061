//! Whether there is a way on from every state.

use crate::{Database, Protocol, transaction::Transaction};

impl Protocol {
    /// Whether everything ends, if somebody resumes the pipeline, releases the roots, sweeps, and does the work.
    ///
    /// A check of its own, since nothing is stranded in a state from which this holds, however it came to be.
    pub(crate) fn ends_if_cared_for(&self, database: Database) -> bool {
        let mut tx = Transaction::begin(self, database);
        for _ in 0..=self.size.tasks.len() {
            if tx.has_ended() {
                return true;
            }
            tx.care();
        }
        tx.has_ended()
    }
}

impl Transaction<'_> {
    fn has_ended(&self) -> bool {
        self.database
            .made()
            .all(|(_, row)| row.status.is_terminal())
    }

    /// One round: all leases are over, and a new worker does all that it gets.
    fn care(&mut self) {
        self.resume();
        for worker in 0..self.protocol.size.workers {
            self.expire(worker);
        }
        for task in 0..self.protocol.size.tasks.len() {
            if self.protocol.size.tasks[task].after.is_empty() {
                self.mark_ready(task);
            }
            self.recover(task);
            self.promote(task);
        }
        for worker in 0..self.protocol.size.workers {
            self.forget(worker);
        }
        self.register(0);
        for task in 0..self.protocol.size.tasks.len() {
            self.work(0, task);
        }
    }

    fn work(&mut self, worker: usize, task: usize) {
        use taskbox_models::Transition::Complete;
        if let Some(epoch) = self.claim(worker, task) {
            self.end(Complete, task, crate::ClaimRow { worker, epoch }, false);
        }
    }
}
