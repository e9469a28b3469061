//! What is broken is mended, and what is not is left alone. That the whole database is whole after it, history
//! included, is what every test ends with.

use std::time::Duration;

use taskbox_dal::{DAL, Error, Invariant};
use taskbox_models::{EventType, LiveTable, NewTaskExecution, PipelineStatus, TaskStatus};
use taskbox_test_support::TestDatabase;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{
    breach::{Scene, all_broken},
    support::{due_at::due_at, pipeline::pipeline, ready::ready},
};

taskbox_test_support::suite! {
    whatever_can_be_mended_is_whole_again,
    what_is_well_is_left_alone,
    a_pipeline_whose_status_is_wrong_is_left_to_its_owner,
    a_task_is_put_back_by_the_time_of_its_history,
    a_task_without_a_time_in_its_history_is_left_alone,
    a_task_that_nobody_can_end_is_given_to_another_worker,
    a_task_that_was_never_claimed_is_left_alone,
    a_published_task_keeps_its_place_if_it_had_one,
    what_waits_for_one_that_failed_is_skipped,
    what_waits_for_any_end_is_made_ready,
    a_count_that_was_too_high_strands_nothing,
    what_moves_on_meanwhile_is_looked_at_again,
}

/// Mends everything, and answers for how many each was.
async fn mend_all(dal: &DAL) -> Vec<(Invariant, usize)> {
    let broken = all_broken(dal).await;
    dal.transaction(async |tx| {
        let mut mended = Vec::new();
        for (invariant, ids) in &broken {
            mended.push((*invariant, tx.doctor().mend(*invariant, ids).await?));
        }
        Ok::<_, Error>(mended)
    })
    .await
    .unwrap()
}

async fn whatever_can_be_mended_is_whole_again(db: &TestDatabase) {
    for invariant in Invariant::ALL {
        if invariant.mend().is_none() {
            continue;
        }
        let scene = Scene::new(db).await;
        db.execute(&scene.breach(db, invariant).0).await;
        assert_eq!(mend_all(&scene.dal).await, [(invariant, 1)]);
        assert_eq!(all_broken(&scene.dal).await, [], "after {invariant}");
        let broken = taskbox_test_support::invariants::broken(db).await;
        assert!(broken.is_empty(), "{invariant}: {broken:?}");
    }
}

async fn what_is_well_is_left_alone(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let ids = db
        .query_text("SELECT id FROM task_executions UNION ALL SELECT id FROM pipeline_executions");
    let ids = ids.await.into_iter().flatten().flatten();
    let ids: Vec<Uuid> = ids.map(|id| id.parse().unwrap()).collect();
    let before = db.dump().await;
    for invariant in Invariant::ALL {
        let mended = scene.dal.doctor().mend(invariant, &ids).await.unwrap();
        assert_eq!(mended, 0, "{invariant}");
        assert_eq!(db.dump().await, before, "{invariant}");
    }
}

async fn a_pipeline_whose_status_is_wrong_is_left_to_its_owner(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let invariant = Invariant::PipelineStatus;
    let (sql, id) = scene.breach(db, invariant);
    db.execute(&sql).await;
    let before = db.dump().await;
    let mended = scene.dal.doctor().mend(invariant, &[id]).await.unwrap();
    assert_eq!((mended, db.dump().await), (0, before));
    // The next end of a task of it puts it right.
    scene.dal.task_execution().cancel(scene.idle).await.unwrap();
    assert_eq!(all_broken(&scene.dal).await, []);
    db.is_broken_on_purpose();
}

async fn a_task_is_put_back_by_the_time_of_its_history(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let due = due_at(db, scene.scheduled).await;
    let (sql, _) = scene.breach(db, Invariant::RowOfEachTask(LiveTable::Schedule));
    db.execute(&sql).await;
    mend_all(&scene.dal).await;
    assert_eq!(due_at(db, scene.scheduled).await, due);
    // By the last of two.
    let worker = scene.dal.worker().register("w").await.unwrap();
    let tasks = || scene.dal.task_execution();
    tasks().mark_ready(scene.scheduled).await.unwrap();
    let claims = tasks().claim(&worker, 99).await.unwrap();
    let claim = claims
        .iter()
        .find(|it| it.task_execution_id() == scene.scheduled);
    tasks()
        .defer(claim.unwrap(), Duration::from_hours(9))
        .await
        .unwrap();
    let due = due_at(db, scene.scheduled).await;
    let (sql, _) = scene.breach(db, Invariant::RowOfEachTask(LiveTable::Schedule));
    db.execute(&sql).await;
    mend_all(&scene.dal).await;
    assert_eq!(due_at(db, scene.scheduled).await, due);
}

async fn a_task_without_a_time_in_its_history_is_left_alone(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let scene = Scene::new(db).await;
    let invariant = Invariant::RowOfEachTask(LiveTable::Schedule);
    db.execute(&scene.breach(db, invariant).0).await;
    db.execute("DELETE FROM execution_events").await;
    assert_eq!(mend_all(&scene.dal).await, [(invariant, 0)]);
    let broken = all_broken(&scene.dal).await;
    assert_eq!(broken, [(invariant, vec![scene.scheduled])]);
    // By hand.
    let tasks = || scene.dal.task_execution();
    tasks().cancel(scene.scheduled).await.unwrap();
    tasks().redrive(scene.scheduled).await.unwrap();
    assert_eq!(all_broken(&scene.dal).await, []);
}

async fn a_task_that_nobody_can_end_is_given_to_another_worker(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let task = scene.running;
    let (sql, _) = scene.breach(db, Invariant::RowOfEachTask(LiveTable::Claims));
    db.execute(&sql).await;
    mend_all(&scene.dal).await;
    let events = scene
        .dal
        .execution_event()
        .list_by_task(task)
        .await
        .unwrap();
    assert_eq!(events.last().unwrap().event_type, EventType::TaskReleased);
    let worker = scene.dal.worker().register("w").await.unwrap();
    let claims = scene.dal.task_execution().claim(&worker, 99).await.unwrap();
    let claim = claims.iter().find(|it| it.task_execution_id() == task);
    assert_eq!((claim.unwrap().attempt(), claim.unwrap().epoch()), (1, 2));
}

async fn a_task_that_was_never_claimed_is_left_alone(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let scene = Scene::new(db).await;
    let id = db.uuid_literal(scene.idle);
    let sql = format!("UPDATE task_executions SET status = 'Running' WHERE id = {id}");
    db.execute(&sql).await;
    let invariant = Invariant::RowOfEachTask(LiveTable::Claims);
    assert_eq!(mend_all(&scene.dal).await, [(invariant, 0)]);
}

async fn a_published_task_keeps_its_place_if_it_had_one(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let rows = async || scene.dal.task_outbox().list_pending(99).await.unwrap();
    let before = rows().await;
    db.execute("UPDATE task_outbox SET queue = 'other'").await;
    assert_eq!(mend_all(&scene.dal).await, [(Invariant::OutboxCopies, 2)]);
    assert_eq!(rows().await, before);
}

/// A task that has not started although the one has ended that it waits for.
async fn stranded(db: &TestDatabase, scene: &Scene, pipeline: Uuid, strict: bool) -> Uuid {
    let mut new = NewTaskExecution::new(pipeline, "late");
    if !strict {
        new = new.run_when(taskbox_models::RunWhen::AllDone);
    }
    let late = scene.dal.task_execution().create(new).await.unwrap().id;
    let failed = ready(&scene.dal, NewTaskExecution::new(pipeline, "first")).await;
    scene.dal.task_execution().cancel(failed).await.unwrap();
    let (late_id, failed_id) = (db.uuid_literal(late), db.uuid_literal(failed));
    db.execute(&format!(
        "INSERT INTO task_dependencies VALUES ({late_id}, {failed_id})"
    ))
    .await;
    late
}

async fn status(dal: &DAL, task: Uuid) -> TaskStatus {
    dal.task_execution().get(task).await.unwrap().status
}

async fn what_waits_for_one_that_failed_is_skipped(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let pipeline = pipeline(&scene.dal).await;
    let late = stranded(db, &scene, pipeline, true).await;
    assert_eq!(
        mend_all(&scene.dal).await,
        [(Invariant::NothingStranded, 1)]
    );
    assert_eq!(status(&scene.dal, late).await, TaskStatus::Skipped);
    let row = scene.dal.pipeline_execution().get(pipeline).await.unwrap();
    assert_eq!(row.status, PipelineStatus::Cancelled);
}

async fn what_waits_for_any_end_is_made_ready(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let pipeline = pipeline(&scene.dal).await;
    let late = stranded(db, &scene, pipeline, false).await;
    assert_eq!(
        mend_all(&scene.dal).await,
        [(Invariant::NothingStranded, 1)]
    );
    assert_eq!(status(&scene.dal, late).await, TaskStatus::Ready);
}

/// It is seen as both, and mended in one go.
async fn a_count_that_was_too_high_strands_nothing(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let late = stranded(db, &scene, scene.pipeline, false).await;
    let id = db.uuid_literal(late);
    db.execute(&format!(
        "UPDATE task_executions SET open_dependencies = 2 WHERE id = {id}"
    ))
    .await;
    let expected = [
        (Invariant::OpenDependencies, 1),
        (Invariant::NothingStranded, 1),
    ];
    assert_eq!(mend_all(&scene.dal).await, expected);
    assert_eq!(status(&scene.dal, late).await, TaskStatus::Ready);
    assert_eq!(all_broken(&scene.dal).await, []);
}

/// It was Ready without a row when it was found, and is cancelled before it is mended.
async fn what_moves_on_meanwhile_is_looked_at_again(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let invariant = Invariant::RowOfEachTask(LiveTable::Outbox);
    let (sql, task) = scene.breach(db, invariant);
    db.execute(&sql).await;
    let (begun, has_begun) = oneshot::channel();
    let cancel = scene.dal.transaction(async |tx| {
        tx.task_execution().cancel(task).await?;
        let _ = begun.send(());
        db.until_blocked(1).await;
        Ok::<_, Error>(())
    });
    let mend = async {
        has_begun.await.unwrap();
        scene.dal.doctor().mend(invariant, &[task]).await
    };
    let (cancelled, mended) = tokio::join!(cancel, mend);
    cancelled.unwrap();
    assert_eq!(mended.unwrap(), 0);
}
