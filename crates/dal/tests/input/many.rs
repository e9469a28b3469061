//! Batches of a size that no list of parameters has room for.

use std::time::Duration;

use taskbox_dal::{DAL, Invariant};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::scene::{Scene, assert_each, counted};

const MANY: usize = 200_000;

pub(crate) async fn two_hundred_thousand_ids_are_a_batch_like_any(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    // On a machine with other things to do.
    let patient = DAL::builder(db.url()).deadline(Duration::from_secs(50));
    let dal = patient.connect().await.unwrap();
    let tasks = || dal.task_execution();
    let mut ids: Vec<Uuid> = (1..MANY).map(|_| Uuid::now_v7()).collect();
    let after = NewTaskExecution::new(scene.pipeline, "t").after(&ids);
    let calls = calls! {
        "task_execution.create": tasks().create(after),
    };
    assert_each(db, calls, "no dependency").await;

    ids.push(scene.task);
    let moved = tasks().mark_ready_many(&ids).await;
    assert_eq!(counted(moved).unwrap(), (1, MANY - 1));
    let queues = vec!["default"; MANY];
    let claims = tasks().claim_from(&scene.worker, &queues, 9).await;
    assert_eq!(claims.unwrap().len(), 1);
    for invariant in Invariant::ALL {
        assert_eq!(dal.doctor().mend(invariant, &ids).await.unwrap(), 0);
    }
    let released = vec![scene.claim.clone(); MANY];
    let released = tasks().release_many(&released).await;
    assert_eq!(counted(released).unwrap(), (1, 0));
}
