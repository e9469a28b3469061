//! What a sequence is made of.

use std::collections::HashSet;

use proptest::{collection::vec, prelude::*, sample::select};
use taskbox_dal::Moved;
use taskbox_models::{Conflict, TaskStatus};
use uuid::Uuid;

use crate::work::{self, SLOTS, Slot, Work};

/// So few that operations meet.
const TASKS: u8 = 12;
/// Those that are there from the beginning.
const PIPELINES: u8 = 3;
/// So few that they are used up.
pub(crate) const MAX_ATTEMPTS: i32 = 2;
pub(crate) const MAX_RECOVERIES: i32 = 1;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// In a transaction of its own.
    Alone(Operation),
    /// In one transaction, which commits or is rolled back.
    Together(Vec<Operation>, bool),
    /// Other software takes the outbox row of a Ready task.
    LoseRow(Uuid),
    /// Other software makes an outbox row for a task that has ended.
    LeaveRow(Uuid),
    /// The time of all scheduled tasks comes.
    MakeDue,
    /// A worker's lease ends.
    Expire(Slot),
    /// All that expired workers hold is taken back.
    Recover,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    CreatePipeline(Uuid),
    Create(NewTask),
    CreateMany(Vec<NewTask>),
    MarkReady(Uuid),
    MarkReadyMany(Vec<Uuid>),
    Schedule(Uuid),
    Skip(Uuid),
    Cancel(Uuid),
    OutboxCreate(Uuid),
    /// The row of this task, or one that is not there.
    OutboxDelete(Uuid),
    OutboxDeleteByTask(Uuid),
    /// Older than the end of time, or older than its beginning.
    OutboxDeleteOlderThan(bool),
    Redrive(Uuid),
    Work(Work),
}

#[derive(Clone, Debug)]
pub(crate) struct NewTask {
    pub(crate) id: Uuid,
    pub(crate) pipeline: Option<Uuid>,
    pub(crate) priority: i32,
    pub(crate) queue: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Done,
    Made(Vec<(Uuid, TaskStatus)>),
    Published(Uuid),
    Moved(Moved),
    Deleted(usize),
    /// The tasks, with their attempt and epoch.
    Claimed(Vec<(Uuid, i32, i64)>),
    /// What a heartbeat says was lost, and what was cancelled.
    Told(Vec<Uuid>, Vec<Uuid>),
    /// What is ready again, and what was given up.
    Recovered(Vec<Uuid>, Vec<Uuid>),
    /// There is no such worker or claim yet, so nothing was called.
    Nobody,
    /// Of a task; or of the worker, whose id is another on each backend.
    LeaseLost(Option<Uuid>),
    NotFound(&'static str, Uuid),
    Conflict(Conflict),
    PipelineClosed(Uuid),
    PipelineExists(Uuid),
    InvalidInput(&'static str),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => operation().prop_map(Step::Alone),
        3 => (vec(operation(), 1..6), any::<bool>())
            .prop_map(|(operations, commits)| Step::Together(operations, commits)),
        1 => task().prop_map(Step::LoseRow),
        1 => task().prop_map(Step::LeaveRow),
        2 => Just(Step::MakeDue),
        1 => work::slot().prop_map(Step::Expire),
        1 => Just(Step::Recover),
    ];
    (beginning(), vec(step, 1..=48)).prop_map(|(beginning, steps)| [beginning, steps].concat())
}

/// Some pipelines, tasks and workers, without which most operations have nothing to do.
fn beginning() -> impl Strategy<Value = Vec<Step>> {
    let pipelines: Vec<_> = (1..=PIPELINES)
        .map(|number| Step::Alone(Operation::CreatePipeline(pipeline_id(number))))
        .collect();
    let task = new_task((1..=PIPELINES).prop_map(pipeline_id));
    let ready = vec(self::task(), 0..6);
    (vec(task, 0..=usize::from(TASKS)), ready).prop_map(move |(mut tasks, ready)| {
        let mut seen = HashSet::new();
        tasks.retain(|task| seen.insert(task.id));
        let tasks = Step::Alone(Operation::CreateMany(tasks));
        let ready = Step::Alone(Operation::MarkReadyMany(ready));
        let workers = (0..SLOTS).map(|slot| Step::Alone(Operation::Work(Work::Register(slot))));
        [pipelines.clone(), vec![tasks, ready], workers.collect()].concat()
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        2 => pipeline().prop_map(Operation::CreatePipeline),
        4 => new_task(pipeline()).prop_map(Operation::Create),
        4 => vec(new_task(pipeline()), 0..5).prop_map(Operation::CreateMany),
        4 => task().prop_map(Operation::MarkReady),
        4 => vec(task(), 0..8).prop_map(Operation::MarkReadyMany),
        3 => task().prop_map(Operation::Schedule),
        3 => task().prop_map(Operation::Skip),
        3 => task().prop_map(Operation::Cancel),
        1 => task().prop_map(Operation::OutboxCreate),
        1 => task().prop_map(Operation::OutboxDelete),
        1 => task().prop_map(Operation::OutboxDeleteByTask),
        1 => any::<bool>().prop_map(Operation::OutboxDeleteOlderThan),
        2 => task().prop_map(Operation::Redrive),
        44 => work::work().prop_map(Operation::Work),
    ]
}

fn task() -> impl Strategy<Value = Uuid> {
    (1..=TASKS).prop_map(task_id)
}

fn pipeline() -> impl Strategy<Value = Uuid> {
    // One more than there are, so that some are made later or not at all.
    (1..=PIPELINES + 1).prop_map(pipeline_id)
}

fn task_id(number: u8) -> Uuid {
    Uuid::from_u128(0x1000 + u128::from(number))
}

fn pipeline_id(number: u8) -> Uuid {
    Uuid::from_u128(0x2000 + u128::from(number))
}

fn new_task(pipeline: impl Strategy<Value = Uuid>) -> impl Strategy<Value = NewTask> {
    let pipeline = proptest::option::weighted(0.7, pipeline);
    (task(), pipeline, -1..=1, select(vec!["default", "mail"])).prop_map(
        |(id, pipeline, priority, queue)| NewTask {
            id,
            pipeline,
            priority,
            queue,
        },
    )
}
