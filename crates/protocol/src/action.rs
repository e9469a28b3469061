//! What can happen, one step at a time.

mod possible;

use taskbox_models::Transition;

pub(crate) use possible::possible;

use crate::{ClaimRow, Mutation, Process, transaction::Transaction};

/// A step: a transaction that is committed, or something that happens beside the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A call about a task.
    Task(OnTask, usize),
    /// A call about the pipeline.
    Pipeline(OnPipeline),
    /// A call of a worker about itself, or something that happens to it.
    Worker(OnWorker, usize),
    /// A worker claims.
    Claim {
        /// The worker.
        worker: usize,
        /// The task that it gets.
        task: usize,
        /// Whether it hears so.
        reply: Reply,
    },
    /// A worker ends an attempt.
    End {
        /// How.
        end: End,
        /// The task.
        task: usize,
        /// The claim in its hands.
        claim: ClaimRow,
        /// Whether it hears what became of it.
        reply: Reply,
    },
}

/// A call that names a task.
#[expect(missing_docs, reason = "each is the call of that name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTask {
    Create,
    MarkReady,
    Schedule,
    Promote,
    Skip,
    Cancel,
    Redrive,
    Recover,
}

/// A call that names the pipeline.
#[expect(missing_docs, reason = "each is the call of that name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnPipeline {
    Pause,
    Resume,
    Cancel,
}

/// What happens to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnWorker {
    /// Its program makes a new one, where it was forgotten.
    Register,
    /// It renews its lease.
    Heartbeat,
    /// It renews its lease, and never hears the answer.
    UnheardHeartbeat,
    /// It says that it ends.
    Deregister,
    /// A sweep forgets it.
    Forget,
    /// The time of its lease is over.
    Expire,
    /// Its program dies.
    Crash,
}

/// How an attempt ends.
#[expect(missing_docs, reason = "each is the call of that name")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Complete,
    Fail,
    RetryAtOnce,
    RetryLater,
    Defer,
    Release,
}

/// Whether the answer of a COMMIT arrives. Without it the caller may call again.
#[expect(missing_docs, reason = "the names say it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Heard,
    Lost,
}

impl OnWorker {
    const ALL: &'static [Self] = &[
        Self::Register,
        Self::Heartbeat,
        Self::UnheardHeartbeat,
        Self::Deregister,
        Self::Forget,
        Self::Expire,
        Self::Crash,
    ];
}

impl End {
    const ALL: [Self; 6] = [
        Self::Complete,
        Self::Fail,
        Self::RetryAtOnce,
        Self::RetryLater,
        Self::Defer,
        Self::Release,
    ];

    const fn transition(self) -> Transition {
        match self {
            Self::Complete => Transition::Complete,
            Self::Fail => Transition::Fail,
            Self::RetryAtOnce | Self::RetryLater => Transition::ScheduleRetry,
            Self::Defer => Transition::Defer,
            Self::Release => Transition::Release,
        }
    }
}

impl Action {
    /// Takes the step, in the database and in the programs. Without an effect on either, it might as well not have been.
    pub(crate) fn take(self, tx: &mut Transaction<'_>, processes: &mut [Process]) {
        match self {
            Self::Task(call, task) => {
                let _ = call.run(tx, task);
            }
            Self::Pipeline(call) => {
                let _ = call.run(tx);
            }
            Self::Worker(event, worker) => event.happen(tx, worker, &mut processes[worker]),
            Self::Claim {
                worker,
                task,
                reply,
            } => match (tx.claim(worker, task), reply) {
                (None, _) => {}
                (Some(epoch), Reply::Heard) => processes[worker].take(task, epoch),
                (Some(_), Reply::Lost) => processes[worker].must_start_anew = true,
            },
            Self::End {
                end,
                task,
                claim,
                reply,
            } => {
                let moved = tx.end(end.transition(), task, claim, end == End::RetryLater);
                if reply == Reply::Heard {
                    let process = &mut processes[claim.worker];
                    process.drop(task, claim.epoch);
                    let goes_on = moved || tx.is(Mutation::RefusedWorkerGoesOn);
                    process.must_start_anew |= !goes_on;
                }
            }
        }
    }
}

impl OnTask {
    fn run(self, tx: &mut Transaction<'_>, task: usize) -> bool {
        match self {
            Self::Create => tx.create(task),
            Self::MarkReady => tx.mark_ready(task),
            Self::Schedule => tx.schedule(task),
            Self::Promote => tx.promote(task),
            Self::Skip => tx.skip(task),
            Self::Cancel => tx.cancel(task),
            Self::Redrive => tx.redrive(task),
            Self::Recover => tx.recover(task),
        }
    }
}

impl OnPipeline {
    fn run(self, tx: &mut Transaction<'_>) -> bool {
        match self {
            Self::Pause => tx.pause(),
            Self::Resume => tx.resume(),
            Self::Cancel => tx.cancel_pipeline(),
        }
    }
}

impl OnWorker {
    fn happen(self, tx: &mut Transaction<'_>, worker: usize, process: &mut Process) {
        match self {
            Self::Register => {
                if tx.register(worker) {
                    process.is_alive = true;
                    process.must_start_anew = false;
                }
            }
            Self::Heartbeat => {
                for (task, told) in tx.heartbeat(worker).into_iter().flatten().enumerate() {
                    if told {
                        process.claims[task] = 0;
                    }
                }
            }
            Self::UnheardHeartbeat => drop(tx.heartbeat(worker)),
            Self::Deregister => {
                if tx.deregister(worker) {
                    process.must_start_anew = false;
                }
            }
            Self::Forget => drop(tx.forget(worker)),
            Self::Expire => drop(tx.expire(worker)),
            Self::Crash => *process = Process::new(false),
        }
    }
}
