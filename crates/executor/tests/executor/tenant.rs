//! Executors of tenants, side by side in one database.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_executor::{Executor, ExecutorHandle};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::{TestDatabase, invariants};
use uuid::Uuid;

use crate::{
    support::{NEVER, connect, get, ready, until},
    wakeups::{is_idle, told_executor},
};

taskbox_test_support::suite! {
    postgres: [
        each_runs_the_tasks_of_its_tenant_and_no_others,
        what_becomes_ready_in_one_tenant_wakes_nobody_in_another,
        heartbeats_are_made_in_the_tenants_schema,
    ],
}

const TENANTS: [&str; 2] = ["tenant_a", "tenant_b"];

async fn tenant(db: &TestDatabase, schema: &str, lease: Duration) -> DAL {
    let dal = DAL::builder(db.url()).schema(schema).pool_size(2);
    let dal = dal.lease(lease).connect().await.unwrap();
    dal.migrate().await.unwrap();
    dal
}

/// Its task is "a", as everywhere, and says in whose name it ran.
fn executor(dal: &DAL, schema: &'static str) -> ExecutorHandle {
    let executor = Executor::builder(dal.clone())
        .name(schema)
        .poll_interval(NEVER)
        .task("a", async move |_ctx, (): ()| Ok(schema));
    executor.build().unwrap().start()
}

async fn each_runs_the_tasks_of_its_tenant_and_no_others(db: &TestDatabase) {
    let public = connect(db).await;
    let nobodys = ready(&public, NewTaskExecution::standalone("a")).await;
    let mut running = Vec::new();
    for schema in TENANTS {
        let dal = tenant(db, schema, NEVER).await;
        running.push((schema, dal.clone(), executor(&dal, schema)));
    }
    let mut tasks: Vec<(usize, Uuid)> = Vec::new();
    for _ in 0..20 {
        for (number, (_, dal, _)) in running.iter().enumerate() {
            let task = ready(dal, NewTaskExecution::standalone("a")).await;
            tasks.push((number, task));
        }
    }
    for (number, task) in tasks {
        let (schema, dal, _) = &running[number];
        let ended = until(dal, task, TaskStatus::Completed).await;
        assert_eq!(ended.output.unwrap(), *schema);
    }
    for (schema, _, executor) in running {
        executor.stop().await.unwrap();
        invariants::assert(&db.within(schema)).await;
    }
    assert_eq!(get(&public, nobodys).await.status, TaskStatus::Ready);
    assert!(public.worker().list(9).await.unwrap().is_empty());
}

async fn what_becomes_ready_in_one_tenant_wakes_nobody_in_another(db: &TestDatabase) {
    let quiet = tenant(db, "tenant_a", NEVER).await;
    let busy = tenant(db, "tenant_b", NEVER).await;
    let executors = [told_executor(&quiet), told_executor(&busy)];
    let stranger = tenant(db, "tenant_a", NEVER).await;
    // It hears of others, and of nothing else.
    let heard = ready(&stranger, NewTaskExecution::standalone("a")).await;
    until(&quiet, heard, TaskStatus::Completed).await;
    is_idle(db, &quiet).await;
    drop(quiet.faults().take_reached());
    let stranger = tenant(db, "tenant_b", NEVER).await;
    for _ in 0..20 {
        let task = ready(&stranger, NewTaskExecution::standalone("a")).await;
        until(&busy, task, TaskStatus::Completed).await;
    }
    let looked = quiet.faults().take_reached();
    assert!(looked.is_empty(), "{looked:?}");
    for executor in executors {
        executor.stop().await.unwrap();
    }
}

/// By the connection that an executor has for them alone.
async fn heartbeats_are_made_in_the_tenants_schema(db: &TestDatabase) {
    let dal = tenant(db, "tenant_a", Duration::from_millis(300)).await;
    let executor = executor(&dal, "tenant_a");
    let task = ready(&dal, NewTaskExecution::standalone("a")).await;
    until(&dal, task, TaskStatus::Completed).await;
    let within = db.within("tenant_a");
    let renewed = "SELECT count(*) FROM task_workers
        WHERE lease_expires_at > registered_at + interval '900 milliseconds'";
    while within.query_i64(renewed).await == 0 {}
    executor.stop().await.unwrap();
}
