//! What breaks an invariant is found.

use taskbox_dal::Invariant;
use taskbox_models::{LiveTable, NewTaskExecution};
use taskbox_test_support::TestDatabase;

use crate::{
    breach::{Scene, all_broken},
    support::{connect::connect, limit::negative, pipeline::pipeline, ready::ready},
};

taskbox_test_support::suite! {
    each_breach_is_found_and_nothing_else,
    a_claim_of_another_epoch_is_as_good_as_none,
    each_copy_of_the_outbox_is_compared,
    each_counter_of_a_pipeline_is_compared,
    a_pipeline_that_did_not_end_with_its_tasks_is_found,
    no_more_are_found_than_were_asked_for,
}

async fn each_breach_is_found_and_nothing_else(db: &TestDatabase) {
    db.is_broken_on_purpose();
    for invariant in Invariant::ALL {
        let scene = Scene::new(db).await;
        assert_eq!(all_broken(&scene.dal).await, [], "before {invariant}");
        let (sql, id) = scene.breach(db, invariant);
        db.execute(&sql).await;
        assert_eq!(all_broken(&scene.dal).await, [(invariant, vec![id])]);
        clear(db).await;
    }
}

/// For the next scene.
async fn clear(db: &TestDatabase) {
    for table in ["task_executions", "pipeline_executions"] {
        db.execute(&format!("DELETE FROM {table}")).await;
    }
}

async fn a_claim_of_another_epoch_is_as_good_as_none(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let task = db.uuid_literal(scene.running);
    let set = |epoch: i32| {
        format!("UPDATE task_claims SET epoch = {epoch} WHERE task_execution_id = {task}")
    };
    for epoch in [0, 2] {
        db.execute(&set(epoch)).await;
        let invariant = Invariant::RowOfEachTask(LiveTable::Claims);
        let expected = [(invariant, vec![scene.running])];
        assert_eq!(all_broken(&scene.dal).await, expected);
    }
    db.execute(&set(1)).await;
}

async fn each_copy_of_the_outbox_is_compared(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let task = db.uuid_literal(scene.ready);
    for (wrong, right) in [
        ("queue = 'other'", "queue = 'default'"),
        ("priority = 7", "priority = 0"),
        ("held = true", "held = false"),
    ] {
        let set = |what| format!("UPDATE task_outbox SET {what} WHERE task_execution_id = {task}");
        db.execute(&set(wrong)).await;
        let expected = [(Invariant::OutboxCopies, vec![scene.ready])];
        assert_eq!(all_broken(&scene.dal).await, expected, "{wrong}");
        db.execute(&set(right)).await;
    }
    scene
        .dal
        .pipeline_execution()
        .pause(scene.pipeline, "lunch")
        .await
        .unwrap();
    assert_eq!(all_broken(&scene.dal).await, []);
}

async fn each_counter_of_a_pipeline_is_compared(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let id = db.uuid_literal(scene.pipeline);
    for counter in ["open_tasks", "failed_tasks", "cancelled_tasks"] {
        let add = |number: i32| {
            format!(
                "UPDATE pipeline_executions SET {counter} = {counter} + {number} WHERE id = {id}"
            )
        };
        db.execute(&add(1)).await;
        let expected = [(Invariant::PipelineCounters, vec![scene.pipeline])];
        assert_eq!(all_broken(&scene.dal).await, expected, "{counter}");
        db.execute(&add(-1)).await;
    }
}

async fn a_pipeline_that_did_not_end_with_its_tasks_is_found(db: &TestDatabase) {
    let dal = connect(db).await;
    let (empty, over) = (pipeline(&dal).await, pipeline(&dal).await);
    dal.pipeline_execution().cancel(empty).await.unwrap();
    let task = ready(&dal, NewTaskExecution::new(over, "a")).await;
    dal.task_execution().cancel(task).await.unwrap();
    assert_eq!(all_broken(&dal).await, []);
    let over_id = db.uuid_literal(over);
    let set =
        |status| format!("UPDATE pipeline_executions SET status = '{status}' WHERE id = {over_id}");
    for status in ["Pending", "Running", "Paused"] {
        db.execute(&set(status)).await;
        let expected = [(Invariant::PipelineStatus, vec![over])];
        assert_eq!(all_broken(&dal).await, expected, "{status}");
    }
    db.execute(&set("Cancelled")).await;
}

async fn no_more_are_found_than_were_asked_for(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let dal = connect(db).await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(ready(&dal, NewTaskExecution::standalone("a")).await);
    }
    db.execute("DELETE FROM task_outbox").await;
    let invariant = Invariant::RowOfEachTask(LiveTable::Outbox);
    let broken = async |limit| dal.doctor().broken(invariant, limit).await;
    tasks.sort_unstable();
    assert_eq!(broken(2).await.unwrap(), tasks[..2]);
    assert!(broken(0).await.unwrap().is_empty());
    let refused = broken(-1).await.unwrap_err();
    assert_eq!(refused.to_string(), negative(-1).to_string());
}
