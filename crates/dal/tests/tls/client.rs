//! What the client shows: a certificate, or a password that is of use on this connection alone.

use taskbox_dal::{DAL, Error};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::{Backend, TestDatabase, certificates};

use super::{by_user, is_encrypted, refusal, roots};

/// Makes a role, if another test has not. Superusers need no grants.
async fn role(db: &TestDatabase, role: &str) {
    db.execute(&format!(
        "DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    ))
    .await;
}

async fn certified(db: &TestDatabase) -> String {
    role(db, "taskbox_certified LOGIN SUPERUSER").await;
    let url = by_user(db, "taskbox_certified");
    format!("{url}?sslmode=verify-full&{}", roots())
}

fn certificate() -> String {
    let folder = certificates();
    let folder = folder.display();
    format!("sslcert={folder}/client.pem&sslkey={folder}/client.key")
}

pub(crate) async fn a_client_without_its_certificate_is_refused(db: &TestDatabase) {
    let url = certified(db).await;
    let problem = refusal(&url).await;
    assert!(
        problem.contains("requires a valid client certificate"),
        "{problem}"
    );
    let dal = DAL::connect(format!("{url}&{}", certificate())).await;
    assert!(is_encrypted(&dal.unwrap()).await.unwrap());
}

/// By a role that gets in by TLS and with its certificate only: whatever connected otherwise would be refused.
pub(crate) async fn every_connection_shows_the_certificate(db: &TestDatabase) {
    certified(db).await;
    let empty = TestDatabase::create_empty(Backend::Postgres).await;
    let url = format!("{}&{}", certified(&empty).await, certificate());
    let dal = DAL::builder(url).pool_size(1).connect().await.unwrap();
    assert!(!dal.migrate().await.unwrap().is_empty());
    // The connection that migrated has left the pool: this is another.
    let new = NewTaskExecution::standalone("a");
    let task = dal.task_execution().create(new).await.unwrap();
    let other = dal.with_own_pool(1).unwrap().unwrap();
    assert_eq!(other.task_execution().get(task.id).await.unwrap(), task);
}

/// With TLS the server offers to bind, and `channel_binding=require` goes on with nothing less.
pub(crate) async fn a_password_is_bound_to_the_connection(db: &TestDatabase) {
    role(db, "taskbox_password LOGIN SUPERUSER PASSWORD 'p%/w'").await;
    let url = by_user(db, "taskbox_password:p%25%2Fw");
    let dal = DAL::connect(format!("{url}?sslmode=require&channel_binding=require")).await;
    assert!(is_encrypted(&dal.unwrap()).await.unwrap());
    let problem = refusal(&format!("{url}?sslmode=disable&channel_binding=require")).await;
    assert!(problem.contains("channel binding"), "{problem}");
}

pub(crate) async fn a_wrong_password_says_what_to_do(db: &TestDatabase) {
    role(db, "taskbox_password LOGIN SUPERUSER PASSWORD 'p%/w'").await;
    for parameters in ["sslmode=disable", "sslmode=require"] {
        let url = by_user(db, "taskbox_password:c4nary");
        let error = DAL::connect(format!("{url}?{parameters}"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Connection(_)), "{error:?}");
        let problem = format!("{error} {error:?}");
        assert!(
            problem.contains("correct the user, the password"),
            "{problem}"
        );
        assert!(!problem.contains("c4nary"), "{problem}");
    }
}
