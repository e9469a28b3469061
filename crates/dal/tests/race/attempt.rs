//! Ends of attempts that meet others: on one task, in one pipeline, and before one dependent.

use taskbox_dal::DAL;
use taskbox_models::{Claim, NewTaskExecution, PipelineStatus, TaskStatus};
use taskbox_test_support::TestDatabase;

use crate::support::{
    call::Call,
    meeting::{Held, meet},
    scene::{
        assert_conflict, assert_lost, connect, expire, pipeline, ready, status, story, working,
    },
};

taskbox_test_support::suite! {
    postgres: [
        of_two_completions_of_one_claim_one_is_refused,
        a_completion_finds_its_task_cancelled,
        a_cancel_finds_the_task_completed,
        a_completion_finds_its_task_recovered,
        a_recovery_passes_over_a_task_that_is_being_completed,
        a_recovery_does_not_wait_for_a_pipeline,
        a_task_is_abandoned_once_its_pipeline_is_free,
        a_release_finds_its_task_recovered,
        a_claim_passes_over_a_task_that_is_being_given_back,
        of_two_last_completions_one_ends_the_pipeline,
        a_task_made_while_the_last_one_completes_reopens_the_pipeline,
        a_task_made_before_the_last_one_completes_keeps_the_pipeline_open,
        a_redriven_task_keeps_the_pipeline_of_its_sibling_open,
        of_two_redrives_one_is_refused,
        of_two_last_dependencies_the_second_makes_the_dependent_ready,
        a_dependent_made_while_its_dependency_completes_is_ready,
        a_dependency_that_completes_finds_the_dependent_made_meanwhile,
    ],
}

async fn of_two_completions_of_one_claim_one_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let claim = working(&dal, None, 1).await.1.remove(0);
    let complete = Call::Complete(claim);
    assert_lost(&meet(db, &dal, complete.clone(), complete).await, "task");
}

async fn a_completion_finds_its_task_cancelled(db: &TestDatabase) {
    let dal = connect(db).await;
    let claim = working(&dal, None, 1).await.1.remove(0);
    let cancel = Call::Cancel(claim.task_execution_id());
    assert_lost(&meet(db, &dal, cancel, Call::Complete(claim)).await, "task");
}

async fn a_cancel_finds_the_task_completed(db: &TestDatabase) {
    let dal = connect(db).await;
    let claim = working(&dal, None, 1).await.1.remove(0);
    let cancel = Call::Cancel(claim.task_execution_id());
    let refused = meet(db, &dal, Call::Complete(claim), cancel).await;
    assert_conflict(refused, TaskStatus::Completed);
}

async fn a_completion_finds_its_task_recovered(db: &TestDatabase) {
    let dal = connect(db).await;
    let claim = working(&dal, None, 1).await.1.remove(0);
    expire(db).await;
    assert_lost(
        &meet(db, &dal, Call::Recover, Call::Complete(claim)).await,
        "task",
    );
}

async fn a_recovery_passes_over_a_task_that_is_being_completed(db: &TestDatabase) {
    let dal = connect(db).await;
    let claims = working(&dal, None, 2).await.1;
    let held = Held::after(&dal, Call::Complete(claims[0].clone())).await;
    expire(db).await;
    let back = dal.task_execution().recover_expired(9).await.unwrap();
    assert_eq!(back.recovered, [claims[1].task_execution_id()]);
    held.commit().await;
    assert_eq!(
        status(&dal, claims[0].task_execution_id()).await,
        TaskStatus::Completed
    );
}

/// Somebody completes a task of the pipeline and hangs before COMMIT.
async fn a_recovery_does_not_wait_for_a_pipeline(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let mut claims = working(&dal, Some(id), 2).await.1;
    let own = working(&dal, None, 1).await.1.remove(0);
    let held = Held::after(&dal, Call::Complete(claims.remove(0))).await;
    expire(db).await;
    let mut back = dal.task_execution().recover_expired(9).await.unwrap();
    back.recovered.sort_unstable();
    let mut expected = [&claims[0], &own].map(Claim::task_execution_id);
    expected.sort_unstable();
    assert_eq!(back.recovered, expected);
    held.commit().await;
}

async fn a_task_is_abandoned_once_its_pipeline_is_free(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).max_recoveries(0);
    let dal = dal.connect().await.unwrap();
    let id = pipeline(&dal).await;
    let mut claims = working(&dal, Some(id), 2).await.1;
    let own = working(&dal, None, 1).await.1.remove(0);
    let held = Held::after(&dal, Call::Complete(claims.remove(0))).await;
    expire(db).await;
    let abandoned = async || {
        dal.task_execution()
            .recover_expired(9)
            .await
            .unwrap()
            .abandoned
    };
    assert_eq!(abandoned().await, [own.task_execution_id()]);
    held.commit().await;
    assert_eq!(abandoned().await, [claims[0].task_execution_id()]);
    assert_eq!(story(&dal, id).await.0, PipelineStatus::Failed);
}

async fn a_release_finds_its_task_recovered(db: &TestDatabase) {
    let dal = connect(db).await;
    let claim = working(&dal, None, 1).await.1.remove(0);
    expire(db).await;
    assert_lost(
        &meet(db, &dal, Call::Recover, Call::Release(claim)).await,
        "task",
    );
}

async fn a_claim_passes_over_a_task_that_is_being_given_back(db: &TestDatabase) {
    let dal = connect(db).await;
    let (worker, claims) = working(&dal, None, 1).await;
    let held = Held::after(&dal, Call::Release(claims[0].clone())).await;
    let none = dal.task_execution().claim(&worker, 9).await.unwrap();
    assert!(none.is_empty());
    held.commit().await;
    let again = dal.task_execution().claim(&worker, 9).await.unwrap();
    assert_eq!((again.len(), again[0].epoch()), (1, 2));
}

async fn of_two_last_completions_one_ends_the_pipeline(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let claims = working(&dal, Some(id), 2).await.1;
    let [one, other] = claims.try_into().unwrap();
    let (one, other) = (Call::Complete(one), Call::Complete(other));
    meet(db, &dal, one, other).await.unwrap();
    let (status, counters, events) = story(&dal, id).await;
    assert_eq!((status, counters), (PipelineStatus::Completed, [0, 0, 0]));
    assert_eq!(events.len(), 3, "{events:?}");
}

async fn a_task_made_while_the_last_one_completes_reopens_the_pipeline(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let claim = working(&dal, Some(id), 1).await.1.remove(0);
    meet(db, &dal, Call::Complete(claim), Call::Create(id))
        .await
        .unwrap();
    let (status, [open, ..], events) = story(&dal, id).await;
    assert_eq!((status, open), (PipelineStatus::Running, 1));
    assert_eq!(events.len(), 4, "{events:?}");
}

async fn a_task_made_before_the_last_one_completes_keeps_the_pipeline_open(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let claim = working(&dal, Some(id), 1).await.1.remove(0);
    meet(db, &dal, Call::Create(id), Call::Complete(claim))
        .await
        .unwrap();
    let (status, [open, ..], events) = story(&dal, id).await;
    assert_eq!((status, open), (PipelineStatus::Running, 1));
    assert_eq!(events.len(), 2, "{events:?}");
}

async fn a_redriven_task_keeps_the_pipeline_of_its_sibling_open(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let mut claims = working(&dal, Some(id), 2).await.1;
    let failed = claims.remove(0);
    dal.task_execution().fail(&failed, "broken").await.unwrap();
    let redrive = Call::Redrive(failed.task_execution_id());
    let complete = Call::Complete(claims.remove(0));
    meet(db, &dal, redrive, complete).await.unwrap();
    let (status, counters, _) = story(&dal, id).await;
    assert_eq!((status, counters), (PipelineStatus::Running, [1, 0, 0]));
}

async fn of_two_redrives_one_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, None, 1).await[0];
    dal.task_execution().cancel(task).await.unwrap();
    let second = meet(db, &dal, Call::Redrive(task), Call::Redrive(task)).await;
    assert_conflict(second, TaskStatus::Ready);
}

async fn of_two_last_dependencies_the_second_makes_the_dependent_ready(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let claims = working(&dal, Some(id), 2).await.1;
    let after: Vec<_> = claims.iter().map(Claim::task_execution_id).collect();
    let new = NewTaskExecution::new(id, "last").after(&after);
    let last = dal.task_execution().create(new).await.unwrap().id;
    let [one, other] = claims.try_into().unwrap();
    let (one, other) = (Call::Complete(one), Call::Complete(other));
    meet(db, &dal, one, other).await.unwrap();
    assert_eq!(status(&dal, last).await, TaskStatus::Ready);
}

async fn a_dependent_made_while_its_dependency_completes_is_ready(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let claim = working(&dal, Some(id), 1).await.1.remove(0);
    let create = Call::CreateAfter(id, claim.task_execution_id());
    meet(db, &dal, Call::Complete(claim), create).await.unwrap();
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 1);
}

async fn a_dependency_that_completes_finds_the_dependent_made_meanwhile(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = pipeline(&dal).await;
    let claim = working(&dal, Some(id), 1).await.1.remove(0);
    let create = Call::CreateAfter(id, claim.task_execution_id());
    meet(db, &dal, create, Call::Complete(claim)).await.unwrap();
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 1);
}
