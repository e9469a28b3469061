//! Roles that may do little: what they can, and what is said of what they cannot.

use taskbox_dal::{DAL, Error};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    support::{task, versions::versions},
    tenant,
};

taskbox_test_support::suite! {
    postgres: [
        a_role_that_may_make_no_schema_migrates_one_that_was_made_for_it,
        a_role_that_may_not_make_a_schema_is_told_so,
        a_role_that_may_not_use_the_schema_is_told_so,
    ],
}

/// A role that may log in, and nothing else.
async fn role(db: &TestDatabase) -> String {
    let name = format!("taskbox_role_{}", Uuid::now_v7().simple());
    db.execute(&format!("CREATE ROLE {name} LOGIN")).await;
    name
}

/// A handle of that role.
async fn connect(db: &TestDatabase, role: &str) -> DAL {
    let dal = DAL::builder(db.url_as(role)).schema("tenant_a");
    dal.connect().await.unwrap()
}

async fn drop_role(db: &TestDatabase, role: &str) {
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

async fn a_role_that_may_make_no_schema_migrates_one_that_was_made_for_it(db: &TestDatabase) {
    let role = role(db).await;
    db.execute(&format!("CREATE SCHEMA tenant_a AUTHORIZATION {role}"))
        .await;
    let dal = connect(db, &role).await;
    assert_eq!(dal.migrate().await.unwrap(), versions());
    assert!(dal.migrate().await.unwrap().is_empty());
    let task = task::create(&dal).await;
    dal.task_execution().mark_ready(task).await.unwrap();
    drop_role(db, &role).await;
}

async fn a_role_that_may_not_make_a_schema_is_told_so(db: &TestDatabase) {
    let role = role(db).await;
    let dal = connect(db, &role).await;
    let Err(Error::Migration(reason)) = dal.migrate().await else {
        panic!("it may not");
    };
    assert!(
        reason.contains("permission denied for database"),
        "{reason}"
    );
    drop_role(db, &role).await;
}

/// What it may not use, Postgres passes over in silence.
async fn a_role_that_may_not_use_the_schema_is_told_so(db: &TestDatabase) {
    tenant(db, "tenant_a").await;
    let role = role(db).await;
    let dal = connect(db, &role).await;
    let Err(Error::Migration(reason)) = dal.migrate().await else {
        panic!("it may not");
    };
    assert!(
        reason.contains("may not use the schema tenant_a"),
        "{reason}"
    );
    let refused = dal.task_outbox().count_pending().await.unwrap_err();
    assert!(matches!(refused, Error::Unmigrated { .. }), "{refused:?}");
    assert!(
        refused.to_string().contains("this role may not"),
        "{refused}"
    );
    drop_role(db, &role).await;
}
