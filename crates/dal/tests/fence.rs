//! Nobody ends an attempt that is not theirs: it is refused, and nothing is written.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
}

use std::time::Duration;

use support::connect::connect;
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::{Claim, NewTaskExecution, TaskStatus, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    an_expired_worker_is_refused,
    a_swept_worker_is_refused,
    a_worker_whose_task_was_cancelled_is_refused,
    a_worker_whose_task_was_claimed_by_another_is_refused,
    a_worker_whose_task_was_claimed_by_its_new_incarnation_is_refused,
    a_worker_that_gave_the_task_back_is_refused,
    a_worker_that_claimed_the_task_again_needs_the_new_claim,
    a_lease_that_was_renewed_in_time_is_not_lost,
    of_a_stale_and_a_current_claim_of_one_task_the_current_one_moves,
    a_lost_lease_takes_the_programs_own_writes_with_it,
}

struct Scene<'d> {
    db: &'d TestDatabase,
    dal: DAL,
    worker: Worker,
    claim: Claim,
}

async fn ready(dal: &DAL) -> Uuid {
    let new = NewTaskExecution::standalone("t");
    let task = dal.task_execution().create(new).await.unwrap().id;
    dal.task_execution().mark_ready(task).await.unwrap();
    task
}

async fn claim(dal: &DAL, worker: &Worker) -> Claim {
    let mut claims = dal.task_execution().claim(worker, 1).await.unwrap();
    claims.pop().unwrap()
}

impl<'d> Scene<'d> {
    async fn new(db: &'d TestDatabase) -> Self {
        let dal = connect(db).await;
        ready(&dal).await;
        let worker = dal.worker().register("w").await.unwrap();
        let claim = claim(&dal, &worker).await;
        Self {
            db,
            dal,
            worker,
            claim,
        }
    }

    async fn expire(&self) {
        let id = self.db.uuid_literal(self.worker.id);
        let sql =
            format!("UPDATE task_workers SET lease_expires_at = registered_at WHERE id = {id}");
        self.db.execute(&sql).await;
    }

    async fn recover(&self) {
        self.expire().await;
        let back = self.dal.task_execution().recover_expired(9).await.unwrap();
        assert_eq!(back.recovered, [self.claim.task_execution_id()]);
    }

    /// Every way of ending the attempt is refused, and changes no table.
    async fn assert_refused(&self) {
        let before = self.db.dump().await;
        let tasks = || self.dal.task_execution();
        let claim = &self.claim;
        for result in [
            tasks().complete(claim, None).await,
            tasks().fail(claim, "no").await,
            tasks().schedule_retry(claim, "no", Duration::ZERO).await,
            tasks()
                .schedule_retry(claim, "no", Duration::from_secs(1))
                .await,
            tasks().defer(claim, Duration::ZERO).await,
            tasks().release(claim).await,
        ] {
            assert_lost(&result, claim);
        }
        let own = || claim.clone();
        let (error, delay) = ("no".to_owned(), Duration::ZERO);
        let retry = [(own(), error.clone(), delay)];
        for outcome in [
            tasks().complete_many(&[(own(), None)]).await,
            tasks().fail_many(&[(own(), error)]).await,
            tasks().schedule_retry_many(&retry).await,
            tasks().defer_many(&[(own(), delay)]).await,
            tasks().release_many(&[own()]).await,
        ] {
            let outcome = outcome.unwrap();
            assert!(outcome.moved.is_empty());
            assert_eq!(outcome.refused[0].task, claim.task_execution_id());
        }
        assert_eq!(self.db.dump().await, before);
    }
}

fn assert_lost(result: &Result<()>, claim: &Claim) {
    let task = claim.task_execution_id();
    assert!(
        matches!(result, Err(Error::LeaseLost { what: "task", id }) if *id == task),
        "{result:?}"
    );
}

async fn an_expired_worker_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    scene.expire().await;
    scene.assert_refused().await;
    let claimed = scene.dal.task_execution().claim(&scene.worker, 1).await;
    assert!(matches!(
        claimed,
        Err(Error::LeaseLost { what: "worker", .. })
    ));
}

async fn a_swept_worker_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    scene.recover().await;
    scene.assert_refused().await;
    let beat = scene.dal.worker().heartbeat(&scene.worker).await;
    assert!(matches!(beat, Err(Error::LeaseLost { what: "worker", .. })));
}

async fn a_worker_whose_task_was_cancelled_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let task = scene.claim.task_execution_id();
    scene.dal.task_execution().cancel(task).await.unwrap();
    scene.assert_refused().await;
}

async fn a_worker_whose_task_was_claimed_by_another_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    scene.recover().await;
    let other = scene.dal.worker().register("other").await.unwrap();
    let theirs = claim(&scene.dal, &other).await;
    scene.assert_refused().await;
    scene
        .dal
        .task_execution()
        .complete(&theirs, None)
        .await
        .unwrap();
}

async fn a_worker_whose_task_was_claimed_by_its_new_incarnation_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    scene.recover().await;
    let again = scene.dal.worker().register("w").await.unwrap();
    claim(&scene.dal, &again).await;
    scene.assert_refused().await;
}

async fn a_worker_that_gave_the_task_back_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    scene
        .dal
        .task_execution()
        .release(&scene.claim)
        .await
        .unwrap();
    scene.assert_refused().await;
}

async fn a_worker_that_claimed_the_task_again_needs_the_new_claim(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    scene
        .dal
        .task_execution()
        .release(&scene.claim)
        .await
        .unwrap();
    let again = claim(&scene.dal, &scene.worker).await;
    scene.assert_refused().await;
    scene
        .dal
        .task_execution()
        .complete(&again, None)
        .await
        .unwrap();
}

async fn a_lease_that_was_renewed_in_time_is_not_lost(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    scene.expire().await;
    let beat = scene.dal.worker().heartbeat(&scene.worker).await.unwrap();
    assert!(beat.lost.is_empty() && beat.cancelled.is_empty());
    let back = scene.dal.task_execution().recover_expired(9).await.unwrap();
    assert!(back.recovered.is_empty());
    scene
        .dal
        .task_execution()
        .complete(&scene.claim, None)
        .await
        .unwrap();
}

async fn of_a_stale_and_a_current_claim_of_one_task_the_current_one_moves(db: &TestDatabase) {
    for stale_first in [true, false] {
        let scene = Scene::new(db).await;
        scene
            .dal
            .task_execution()
            .release(&scene.claim)
            .await
            .unwrap();
        let current = claim(&scene.dal, &scene.worker).await;
        let task = current.task_execution_id();
        let mut batch = vec![(scene.claim.clone(), None), (current, None)];
        if !stale_first {
            batch.reverse();
        }
        let moved = scene
            .dal
            .task_execution()
            .complete_many(&batch)
            .await
            .unwrap();
        assert_eq!(moved.moved, [task]);
        assert_eq!(moved.refused.len(), 1);
    }
}

async fn a_lost_lease_takes_the_programs_own_writes_with_it(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    scene.recover().await;
    let before = db.dump().await;
    let result: Result<()> = scene
        .dal
        .transaction(async |tx: &mut Tx<'_>| {
            let new = NewTaskExecution::standalone("the program's own");
            tx.task_execution().create(new).await?;
            tx.task_execution().complete(&scene.claim, None).await
        })
        .await;
    assert_lost(&result, &scene.claim);
    assert_eq!(db.dump().await, before);
    let task = scene.claim.task_execution_id();
    let found = scene.dal.task_execution().get(task).await.unwrap();
    assert_eq!(found.status, TaskStatus::Ready);
}
