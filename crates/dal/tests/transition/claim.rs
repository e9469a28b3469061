//! What a claim does to the tasks that it takes, and what it leaves.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_models::{EventType, NewTaskExecution, Outcome, TaskStatus, Transition, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    support::{connect::connect, ending::Ending, lifecycle::task_in, pipeline::pipeline, run::run},
    walk::{Start, assert_live_rows},
};

taskbox_test_support::suite! {
    claim_walks_its_arrow_and_no_others,
    a_task_is_claimed_again_with_the_next_epoch,
    a_due_task_is_made_ready_by_a_claim_that_does_not_take_it,
    a_due_task_is_made_ready_and_claimed,
}

fn only_outcome(transition: Transition) -> &'static Outcome {
    &transition.rule().outcomes[0]
}

async fn claimed(dal: &DAL, worker: &Worker) -> Vec<Uuid> {
    let claims = dal.task_execution().claim(worker, 100).await.unwrap();
    let tasks = claims.iter().map(|claim| {
        assert_eq!(claim.worker_id(), worker.id);
        claim.task_execution_id()
    });
    tasks.collect()
}

async fn claim_walks_its_arrow_and_no_others(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    for status in TaskStatus::ALL.iter().copied() {
        for pipeline in [None, Some(pipeline(&dal).await)] {
            let task = task_in(&dal, pipeline, status).await;
            let start = Start::of(&dal, task).await;
            let before = db.dump().await;
            let taken = claimed(&dal, &worker).await;
            if status == TaskStatus::Ready {
                assert_eq!(taken, [task]);
                let outcome = only_outcome(Transition::Claim);
                start.assert_led(db, &dal, outcome, worker.id).await;
            } else {
                assert!(taken.is_empty(), "{status}: {taken:?}");
                assert_eq!(db.dump().await, before, "{status}");
            }
        }
    }
}

async fn a_task_is_claimed_again_with_the_next_epoch(db: &TestDatabase) {
    let dal = connect(db).await;
    let (worker, claim) = run(&dal, NewTaskExecution::standalone("a")).await;
    Ending::RetryAtOnce.on(&dal, &claim).await.unwrap();
    let start = Start::of(&dal, claim.task_execution_id()).await;
    let again = dal.task_execution().claim(&worker, 1).await.unwrap();
    assert_eq!((again[0].attempt(), again[0].epoch()), (2, 2));
    start
        .assert_led(db, &dal, only_outcome(Transition::Claim), worker.id)
        .await;
}

async fn due(dal: &DAL, pipeline: Option<Uuid>) -> Uuid {
    let mut new = NewTaskExecution::standalone("a");
    new.pipeline_execution_id = pipeline;
    let task = dal.task_execution().create(new).await.unwrap().id;
    let at_once = Duration::ZERO;
    dal.task_execution().schedule(task, at_once).await.unwrap();
    task
}

async fn a_due_task_is_made_ready_by_a_claim_that_does_not_take_it(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    for pipeline in [None, Some(pipeline(&dal).await)] {
        let task = due(&dal, pipeline).await;
        let start = Start::of(&dal, task).await;
        let none = dal.task_execution().claim_from(&worker, &["no"], 1).await;
        assert_eq!(none.unwrap(), []);
        start
            .assert_led(db, &dal, only_outcome(Transition::MarkReady), Uuid::nil())
            .await;
    }
}

async fn a_due_task_is_made_ready_and_claimed(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    let task = due(&dal, None).await;
    assert_eq!(claimed(&dal, &worker).await, [task]);
    assert_live_rows(db, task, TaskStatus::Running).await;
    let events = dal.execution_event().list_by_task(task).await.unwrap();
    let events: Vec<_> = events.iter().map(|event| event.event_type).collect();
    let expected = [
        EventType::TaskCreated,
        EventType::TaskScheduled,
        EventType::TaskMarkedReady,
        EventType::TaskClaimed,
    ];
    assert_eq!(events, expected);
}
