//! What anyone may do to a task by its id.

use taskbox_dal::{DAL, Error, Moved, Result};
use taskbox_models::{Conflict, EventType, NewTaskExecution, TaskStatus, Transition};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    support::{
        connect::connect, ending::DELAY, lifecycle::task_in, pipeline::pipeline,
        refusal::assert_refused,
    },
    walk::{REASON, Start, assert_live_rows},
};

taskbox_test_support::suite! {
    create_makes_what_is_not_there,
    mark_ready_walks_its_arrows_and_no_others,
    mark_ready_many_walks_its_arrows_and_no_others,
    schedule_walks_its_arrows_and_no_others,
    skip_walks_its_arrows_and_no_others,
    cancel_walks_its_arrows_and_no_others,
    redrive_walks_its_arrows_and_no_others,
    an_unknown_task_is_not_found,
}

/// The operations that take one task.
#[derive(Clone, Copy, Debug)]
enum Operation {
    MarkReady,
    MarkReadyMany,
    Schedule,
    Skip,
    Cancel,
    Redrive,
}

impl Operation {
    const ALL: [Self; 6] = [
        Self::MarkReady,
        Self::MarkReadyMany,
        Self::Schedule,
        Self::Skip,
        Self::Cancel,
        Self::Redrive,
    ];

    fn transition(self) -> Transition {
        match self {
            Self::MarkReady | Self::MarkReadyMany => Transition::MarkReady,
            Self::Schedule => Transition::Schedule,
            Self::Skip => Transition::Skip,
            Self::Cancel => Transition::Cancel,
            Self::Redrive => Transition::Redrive,
        }
    }

    async fn apply(self, dal: &DAL, task: Uuid) -> Result<()> {
        match self {
            Self::MarkReady => dal.task_execution().mark_ready(task).await,
            Self::MarkReadyMany => only(task, dal.task_execution().mark_ready_many(&[task]).await?),
            Self::Schedule => dal.task_execution().schedule(task, DELAY).await,
            Self::Skip => dal.task_execution().skip(task, REASON).await,
            Self::Cancel => dal.task_execution().cancel(task).await,
            Self::Redrive => dal.task_execution().redrive(task).await,
        }
    }
}

/// What a batch of this one task says, as the operation on one says it.
fn only(task: Uuid, mut batch: Moved) -> Result<()> {
    match batch.refused.pop() {
        None => assert_eq!(batch.moved, [task]),
        Some(conflict) => {
            assert_eq!(batch, Moved::default());
            return Err(conflict.into());
        }
    }
    assert_eq!(batch.refused, []);
    Ok(())
}

async fn mark_ready_walks_its_arrows_and_no_others(db: &TestDatabase) {
    walk(db, Operation::MarkReady).await;
}

async fn mark_ready_many_walks_its_arrows_and_no_others(db: &TestDatabase) {
    walk(db, Operation::MarkReadyMany).await;
}

async fn schedule_walks_its_arrows_and_no_others(db: &TestDatabase) {
    walk(db, Operation::Schedule).await;
}

async fn skip_walks_its_arrows_and_no_others(db: &TestDatabase) {
    walk(db, Operation::Skip).await;
}

async fn cancel_walks_its_arrows_and_no_others(db: &TestDatabase) {
    walk(db, Operation::Cancel).await;
}

async fn redrive_walks_its_arrows_and_no_others(db: &TestDatabase) {
    walk(db, Operation::Redrive).await;
}

/// From every status, for a task of its own and for one of a pipeline.
async fn walk(db: &TestDatabase, operation: Operation) {
    let dal = connect(db).await;
    let rule = operation.transition().rule();
    for status in TaskStatus::ALL.iter().copied() {
        for pipeline in [None, Some(pipeline(&dal).await)] {
            let task = task_in(&dal, pipeline, status).await;
            if rule.from.contains(&status) {
                moves(db, &dal, operation, task).await;
            } else {
                let conflict = Conflict {
                    task,
                    expected: rule.from.to_vec(),
                    found: Some(status),
                };
                assert_refused(db, operation.apply(&dal, task), conflict.into()).await;
            }
        }
    }
}

async fn moves(db: &TestDatabase, dal: &DAL, operation: Operation, task: Uuid) {
    let [outcome] = operation.transition().rule().outcomes else {
        panic!("{operation:?} has one outcome");
    };
    let start = Start::of(dal, task).await;
    operation.apply(dal, task).await.unwrap();
    start.assert_led(db, dal, outcome, Uuid::nil()).await;
}

async fn create_makes_what_is_not_there(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = Uuid::now_v7();
    let new = NewTaskExecution::standalone("a").id(id);
    let task = dal.task_execution().create(new).await.unwrap();
    assert_eq!((task.id, task.status), (id, TaskStatus::NotStarted));
    assert_live_rows(db, id, TaskStatus::NotStarted).await;
    let events = dal.execution_event().list_by_task(id).await.unwrap();
    let events: Vec<_> = events
        .iter()
        .map(|event| (event.event_type, event.event_data.as_ref()))
        .collect();
    assert_eq!(events, [(EventType::TaskCreated, None)]);

    for status in TaskStatus::ALL.iter().copied() {
        let task = task_in(&dal, None, status).await;
        let conflict = Conflict {
            task,
            expected: Vec::new(),
            found: Some(status),
        };
        let again = NewTaskExecution::standalone("a").id(task);
        assert_refused(db, dal.task_execution().create(again), conflict.into()).await;
    }
}

async fn an_unknown_task_is_not_found(db: &TestDatabase) {
    let dal = connect(db).await;
    task_in(&dal, None, TaskStatus::NotStarted).await;
    let id = Uuid::now_v7();
    for operation in Operation::ALL {
        let expected = match operation {
            Operation::MarkReadyMany => Error::Conflict(Conflict {
                task: id,
                expected: Transition::MarkReady.rule().from.to_vec(),
                found: None,
            }),
            _ => Error::NotFound { what: "task", id },
        };
        assert_refused(db, operation.apply(&dal, id), expected).await;
    }
}
