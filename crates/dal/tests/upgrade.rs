//! Programs and tables of neighbouring versions: those of a version work on the tables of the next.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
    pub(crate) mod expire;
}

use std::{fs, path::Path, time::Duration};

use serde_json::json;
use support::{connect::connect, expire::expire};
use taskbox_dal::{DAL, EventCursor, Result};
use taskbox_models::{Claim, NewPipelineExecution, NewTaskExecution, RunWhen, TaskStatus, Worker};
use taskbox_test_support::{Backend, TestDatabase};
use uuid::Uuid;

taskbox_test_support::suite! {
    a_program_goes_on_when_the_tables_become_those_of_the_next_version,
    tasks_of_the_version_before_go_on_after_the_migrations,
}

/// The last migration of the first version.
const FIRST_VERSION: &str = "2026-11-23-000008_execution_events";

/// All that a later migration may do to the tables, under the rule of `migrations/README.md`.
async fn expand(db: &TestDatabase) {
    let (id, task) = match db.backend() {
        Backend::Postgres => ("uuid", "uuid NOT NULL"),
        Backend::Sqlite => ("BLOB", "BLOB NOT NULL"),
    };
    for table in db.dump().await.keys() {
        db.execute(&format!("ALTER TABLE {table} ADD COLUMN next_text text"))
            .await;
        let number =
            format!("ALTER TABLE {table} ADD COLUMN next_number integer NOT NULL DEFAULT 7");
        db.execute(&number).await;
    }
    db.execute(&format!(
        "CREATE TABLE next_things (
             id {id} PRIMARY KEY,
             task_execution_id {task} REFERENCES task_executions (id) ON DELETE CASCADE
         )"
    ))
    .await;
    db.execute("CREATE INDEX next_idx ON task_executions (task_name)")
        .await;
    let version = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000001')";
    db.execute(version).await;
}

async fn claim(dal: &DAL, worker: &Worker) -> Claim {
    let claims = dal.task_execution().claim(worker, 1).await.unwrap();
    claims.into_iter().next().unwrap()
}

/// Calls whatever changes something, with every end that an attempt has, and answers with the history of it all.
async fn life(db: &TestDatabase, dal: &DAL) -> Result<Vec<&'static str>> {
    let begin = dal.execution_event().read_latest(0).await?.cursor;
    let (tasks, pipelines) = (|| dal.task_execution(), || dal.pipeline_execution());
    let pipeline = pipelines().create(NewPipelineExecution::new("p")).await?.id;
    let first = NewTaskExecution::new(pipeline, "first").id(Uuid::now_v7());
    let after = NewTaskExecution::new(pipeline, "then").after(&[first.id.unwrap()]);
    let made = tasks()
        .create_many(vec![first, after.run_when(RunWhen::AllDone)])
        .await?;
    let worker = dal.worker().register("w").await?;
    tasks().schedule(made[0].id, Duration::ZERO).await?;
    tasks().release(&claim(dal, &worker).await).await?;
    tasks()
        .defer(&claim(dal, &worker).await, Duration::ZERO)
        .await?;
    let tried = claim(dal, &worker).await;
    tasks()
        .schedule_retry(&tried, "busy", Duration::ZERO)
        .await?;
    pipelines().pause(pipeline, "lunch").await?;
    pipelines().resume(pipeline).await?;
    let lost = claim(dal, &worker).await;
    assert!(dal.worker().heartbeat(&worker).await?.lost.is_empty());
    expire(db, &worker).await;
    assert_eq!(
        tasks().recover_expired(9).await?.recovered,
        [lost.task_execution_id()]
    );
    let worker = dal.worker().register("w").await?;
    tasks().fail(&claim(dal, &worker).await, "broken").await?;
    tasks().redrive(made[0].id).await?;
    tasks()
        .complete(&claim(dal, &worker).await, Some(json!(1)))
        .await?;
    tasks().complete(&claim(dal, &worker).await, None).await?;
    dal.worker().deregister(worker).await?;
    for (task, status) in [
        (made[0].id, TaskStatus::Completed),
        (made[1].id, TaskStatus::Completed),
    ] {
        assert_eq!(tasks().get(task).await?.status, status);
    }
    let late = NewTaskExecution::new(pipeline, "late").after(&[made[0].id]);
    let late = tasks().create(late).await?;
    assert_eq!(late.status, TaskStatus::Ready);
    tasks().cancel(late.id).await?;
    let [skipped, cancelled] = ["skipped", "cancelled"].map(NewTaskExecution::standalone);
    tasks()
        .skip(tasks().create(skipped).await?.id, "not needed")
        .await?;
    let cancelled = tasks().create(cancelled).await?.id;
    tasks().mark_ready(cancelled).await?;
    tasks().cancel(cancelled).await?;
    history(dal, begin).await
}

async fn history(dal: &DAL, begin: EventCursor) -> Result<Vec<&'static str>> {
    let page = dal.execution_event().read_after(&begin, 1_000).await?;
    let events = page.events.iter();
    Ok(events.map(|event| event.event_type.as_str()).collect())
}

/// By the same handle, whose statements were prepared before.
async fn a_program_goes_on_when_the_tables_become_those_of_the_next_version(db: &TestDatabase) {
    let dal = connect(db).await;
    let before = life(db, &dal).await.unwrap();
    assert!(before.len() > 20, "{before:?}");
    expand(db).await;
    assert_eq!(life(db, &dal).await.unwrap(), before);
    let anew = connect(db).await;
    assert_eq!(life(db, &anew).await.unwrap(), before);
    assert_eq!(anew.migrate().await.unwrap(), [""; 0]);
    assert_eq!(anew.pending_migrations().await.unwrap(), [""; 0]);
}

/// Takes back what came after the first version, and answers with the versions of that.
async fn go_back_to_first_version(db: &TestDatabase) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let folder = root.join(db.backend().as_str());
    let entries = fs::read_dir(&folder).unwrap();
    let names = entries.filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let mut later: Vec<_> = names
        .filter(|name| FIRST_VERSION < name.as_str() && folder.join(name).is_dir())
        .collect();
    later.sort();
    let mut versions = Vec::new();
    for name in later.iter().rev() {
        let down = fs::read_to_string(folder.join(name).join("down.sql")).unwrap();
        db.execute(&down).await;
        let version: String = name.chars().take(17).filter(char::is_ascii_digit).collect();
        let delete = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'");
        db.execute(&delete).await;
        versions.insert(0, version);
    }
    versions
}

async fn tasks_of_the_version_before_go_on_after_the_migrations(db: &TestDatabase) {
    let later = go_back_to_first_version(db).await;
    assert!(!later.is_empty());
    let task = Uuid::now_v7();
    let id = db.uuid_literal(task);
    for row in [
        format!("task_executions (id, task_name, status) VALUES ({id}, 'a', 'Ready')"),
        format!("task_outbox (task_execution_id, queue) VALUES ({id}, 'default')"),
        format!("execution_events (task_execution_id, event_type) VALUES ({id}, 'task_created')"),
        format!(
            "execution_events (task_execution_id, event_type) VALUES ({id}, 'task_marked_ready')"
        ),
    ] {
        db.execute(&format!("INSERT INTO {row}")).await;
    }
    let dal = connect(db).await;
    assert_eq!(dal.migrate().await.unwrap(), later);
    let worker = dal.worker().register("w").await.unwrap();
    let claim = claim(&dal, &worker).await;
    assert_eq!(
        (claim.task_execution_id(), claim.trace_context()),
        (task, None)
    );
    dal.task_execution().complete(&claim, None).await.unwrap();
}
