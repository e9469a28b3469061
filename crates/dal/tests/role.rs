//! A schema for each tenant by a role for each tenant, of whose sessions it is the `search_path`: so it is also behind a
//! pooler that gives each transaction another session.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::{dsl::sql, sql_types::Text};
use diesel_async::RunQueryDsl;
use futures_util::future::{join_all, try_join_all};
use taskbox_dal::{DAL, Error};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    postgres: [tenants_that_are_roles_never_meet],
}

const TENANTS: [&str; 2] = ["tenant_a", "tenant_b"];
/// Of each tenant at once: more than the pool has connections.
const TASKS: usize = 40;

/// A role that has the schema of the tenant, and a handle of it.
async fn tenant(db: &TestDatabase, schema: &str) -> (String, DAL) {
    let role = format!("taskbox_role_{}", Uuid::now_v7().simple());
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN;
         ALTER ROLE {role} SET search_path = {schema};
         CREATE SCHEMA {schema} AUTHORIZATION {role}"
    ))
    .await;
    let url = db.url_as(&role);
    let dal = DAL::builder(url).schema(schema).connect().await.unwrap();
    (role, dal)
}

/// Makes a task that is ready, in a transaction that looks where it is.
async fn make(dal: &DAL, schema: &str) -> Result<(), Error> {
    dal.transaction(async |tx| {
        let path = diesel::select(sql::<Text>("current_setting('search_path')"));
        let path: String = path.get_result(tx.postgres()?).await?;
        assert_eq!(path, schema);
        let new = NewTaskExecution::standalone(schema);
        let task = tx.task_execution().create(new).await?;
        tx.task_execution().mark_ready(task.id).await
    })
    .await
}

/// Claims all there is until there is nothing, and answers with what was told of whom.
async fn work(dal: &DAL) -> Vec<String> {
    let worker = dal.worker().register("w").await.unwrap();
    let mut names = Vec::new();
    loop {
        let claims = dal.task_execution().claim(&worker, 7).await.unwrap();
        if claims.is_empty() {
            return names;
        }
        for claim in claims {
            dal.task_execution().complete(&claim, None).await.unwrap();
            names.push(claim.task_name().to_owned());
        }
    }
}

async fn tenants_that_are_roles_never_meet(db: &TestDatabase) {
    let tenants = join_all(TENANTS.map(|schema| tenant(db, schema))).await;
    try_join_all(tenants.iter().map(|(_, dal)| dal.migrate()))
        .await
        .unwrap();
    let of_each = TENANTS.iter().zip(&tenants);
    let all = of_each.flat_map(|(schema, (_, dal))| (0..TASKS).map(|_| make(dal, schema)));
    try_join_all(all).await.unwrap();
    let worked = join_all(tenants.iter().map(|(_, dal)| work(dal))).await;
    for (schema, names) in TENANTS.iter().zip(worked) {
        assert_eq!(names, vec![*schema; TASKS]);
        let tables = db.within(schema);
        let completed = "SELECT count(*) FROM task_executions WHERE status = 'Completed'";
        assert_eq!(tables.query_i64(completed).await, 40);
        taskbox_test_support::invariants::assert(&tables).await;
    }
    assert_eq!(
        db.query_i64("SELECT count(*) FROM task_executions").await,
        0
    );
    for (role, dal) in tenants {
        drop(dal);
        db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
            .await;
    }
}
