//! What other software may have left in the tables.

use taskbox_dal::{Error, Result};
use taskbox_models::{EventType, TaskStatus};
use taskbox_test_support::{Backend, TestDatabase};

use crate::scene::{Scene, shown};

/// Writes what a constraint of the table forbids.
async fn write(db: &TestDatabase, table: &str, column: &str, value: &str) {
    let update = format!("UPDATE {table} SET {column} = {value}");
    let sql = match db.backend() {
        Backend::Postgres => {
            format!(
                "ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {table}_{column}_check; {update}"
            )
        }
        Backend::Sqlite => format!("PRAGMA ignore_check_constraints = ON; {update}"),
    };
    db.execute(&sql).await;
}

/// Fails unless the error names the column, shows the text, and names the newest rows that have it.
fn assert_named(answer: &Result<String>, place: &str, text: &str, newest: &[String]) {
    let error = answer.as_ref().unwrap_err();
    let Error::UnknownText {
        column,
        found,
        rows,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((*column, found.as_str()), (place, text));
    assert_eq!(rows, newest);
    assert!(!error.is_transient());
    let said = error.to_string();
    assert!(said.contains(place) && said.contains(text), "{said}");
    assert!(said.contains(&newest.join(", ")), "{said}");
}

pub(crate) async fn a_stored_text_that_is_no_status_is_named(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    db.is_broken_on_purpose();
    let (tasks, pipelines, events) = (
        || scene.dal.task_execution(),
        || scene.dal.pipeline_execution(),
        || scene.dal.execution_event(),
    );
    let long = "x".repeat(1000);
    let recent = events().get_recent(3).await.unwrap();
    let recent: Vec<_> = recent.iter().map(|event| event.id.to_string()).collect();
    write(db, "execution_events", "event_type", &format!("'{long}'")).await;
    for answer in [
        shown(events().list_by_task(scene.task).await),
        shown(events().list_by_pipeline(scene.pipeline).await),
        shown(events().get_recent(9).await),
    ] {
        assert_named(
            &answer,
            "execution_events.event_type",
            &long[..100],
            &recent,
        );
    }
    let of_type = events().list_by_type(EventType::TaskCreated, 9).await;
    assert!(of_type.unwrap().is_empty());

    let both = [scene.task, scene.claim.task_execution_id()].map(|task| task.to_string());
    write(db, "task_executions", "run_when", "'Sometimes'").await;
    let answer = shown(tasks().get(scene.task).await);
    assert_named(&answer, "task_executions.run_when", "Sometimes", &both);
    write(db, "task_executions", "status", "'ready'").await;
    let before = db.dump().await;
    for answer in [
        shown(tasks().get(scene.task).await),
        shown(tasks().list_by_pipeline(scene.pipeline).await),
        shown(tasks().mark_ready(scene.task).await),
        shown(tasks().mark_ready_many(&[scene.task]).await),
        shown(tasks().cancel(scene.task).await),
    ] {
        assert_named(&answer, "task_executions.status", "ready", &both);
    }
    // What is written after it would go by what cannot be known.
    let swallowed = scene.dal.transaction(async |tx| {
        let read = tx.task_execution().get(scene.task).await;
        assert_named(&shown(read), "task_executions.status", "ready", &[]);
        Ok::<_, Error>(())
    });
    let spoiled = swallowed.await.unwrap_err();
    assert!(matches!(spoiled, Error::Poisoned { .. }), "{spoiled:?}");
    let of_status = tasks().list_by_status(TaskStatus::Ready, 9).await;
    assert!(of_status.unwrap().is_empty());
    write(db, "pipeline_executions", "status", "''").await;
    let answer = shown(pipelines().get(scene.pipeline).await);
    let pipeline = [scene.pipeline.to_string()];
    assert_named(&answer, "pipeline_executions.status", "", &pipeline);
    assert_eq!(
        db.dump().await["task_executions"],
        before["task_executions"]
    );
}

/// A time that no program can hold, or a key in the place of one.
pub(crate) async fn what_only_other_software_can_write_is_an_error(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    db.is_broken_on_purpose();
    let value = match db.backend() {
        Backend::Postgres => "'infinity'",
        Backend::Sqlite => "9223372036854775807",
    };
    write(db, "task_executions", "created_at", value).await;
    for answer in [
        shown(scene.dal.task_execution().get(scene.task).await),
        shown(
            scene
                .dal
                .task_execution()
                .list_by_pipeline(scene.pipeline)
                .await,
        ),
    ] {
        match answer {
            Err(error @ Error::Database(_)) => {
                assert!(error.to_string().contains("created_at"), "{error}");
                assert!(!error.is_transient());
            }
            answer => panic!("{answer:?}"),
        }
    }
}
