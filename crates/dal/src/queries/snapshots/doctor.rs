//! The statements that look for what goes wrong, and those that mend it.

use std::time::Duration;

use taskbox_models::{LiveTable, NewPipelineExecution, NewTaskExecution};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use super::{super::recorder::record, assert_snapshot, connect};
use crate::{DAL, Invariant};

taskbox_test_support::suite! {
    a_database_is_looked_at_by_these_statements,
    who_works_is_looked_at_by_these_statements,
    breaches_are_found_by_these_statements,
    breaches_are_mended_by_these_statements,
}

async fn a_database_is_looked_at_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut all = record!(dal, |tx| tx.doctor().indexes());
    all.extend(record!(dal, |tx| tx.doctor().rows()));
    all.extend(record!(dal, |tx| tx.doctor().open_transactions(9)));
    all.extend(record!(dal, |tx| tx.doctor().damage(9)));
    all.extend(record!(dal, |tx| tx.doctor().wal_bytes()));
    all.extend(record!(dal, |tx| tx.doctor().foreign_events(9)));
    all.extend(record!(dal, |tx| tx.doctor().adopt_events(9)));
    assert_snapshot(db, "doctor_database", &all);
}

async fn who_works_is_looked_at_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut all = record!(dal, |tx| tx.doctor().last_claims(9));
    all.extend(record!(dal, |tx| tx.doctor().put_off(Duration::ZERO, 9)));
    assert_snapshot(db, "doctor_work", &all);
}

async fn breaches_are_found_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut all = Vec::new();
    for invariant in Invariant::ALL {
        all.extend(record!(dal, |tx| tx.doctor().broken(invariant, 9)));
    }
    assert_snapshot(db, "doctor_broken", &all);
}

/// A pipeline with a task of each kind that can be mended.
async fn broken(db: &TestDatabase, dal: &DAL) -> (Uuid, Vec<Uuid>) {
    db.is_broken_on_purpose();
    let tasks = || dal.task_execution();
    let new = NewPipelineExecution::new("import");
    let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
    let new = vec![NewTaskExecution::new(pipeline, "a"); 5];
    let made = tasks().create_many(new).await.unwrap();
    let ids: Vec<Uuid> = made.iter().map(|task| task.id).collect();
    tasks().mark_ready(ids[0]).await.unwrap();
    let worker = dal.worker().register("w").await.unwrap();
    tasks().claim(&worker, 1).await.unwrap();
    tasks().mark_ready(ids[1]).await.unwrap();
    tasks().schedule(ids[2], Duration::ZERO).await.unwrap();
    tasks().cancel(ids[3]).await.unwrap();
    let (waits, cancelled) = (db.uuid_literal(ids[4]), db.uuid_literal(ids[3]));
    db.execute(&format!(
        "DELETE FROM task_outbox; DELETE FROM task_schedule; DELETE FROM task_claims;
         UPDATE task_executions SET open_dependencies = 2 WHERE id = {waits};
         INSERT INTO task_dependencies VALUES ({waits}, {cancelled})"
    ))
    .await;
    (pipeline, ids)
}

async fn breaches_are_mended_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let (pipeline, ids) = broken(db, &dal).await;
    let mut all = Vec::new();
    for (invariant, id) in [
        (Invariant::PipelineCounters, pipeline),
        (Invariant::OpenDependencies, ids[4]),
        (Invariant::RowOfItsStatus(LiveTable::Outbox), ids[1]),
        (Invariant::RowOfEachTask(LiveTable::Outbox), ids[1]),
        (Invariant::RowOfEachTask(LiveTable::Schedule), ids[2]),
        (Invariant::RowOfEachTask(LiveTable::Claims), ids[0]),
        (Invariant::NothingStranded, ids[4]),
    ] {
        all.push(format!("-- {invariant}"));
        all.extend(record!(dal, |tx| tx.doctor().mend(invariant, &[id])));
    }
    assert_snapshot(db, "doctor_mend", &all);
}
