//! A Postgres server whose connections others have used up.

use taskbox_dal::{DAL, Error};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::{hold_connections, support::task};

taskbox_test_support::suite! {
    postgres: [a_server_without_a_free_connection_says_so_and_is_used_again],
}

/// How many connections the server gives to everyone together; by the limit of a role, which it refuses with the same code.
const CONNECTIONS: usize = 2;

async fn a_server_without_a_free_connection_says_so_and_is_used_again(db: &TestDatabase) {
    let role = format!("taskbox_role_{}", Uuid::now_v7().simple());
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN CONNECTION LIMIT {CONNECTIONS};
         GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}"
    ))
    .await;
    let url = db.url_as(&role);
    let dal = DAL::builder(&url).pool_size(CONNECTIONS);
    let dal = dal.connect().await.unwrap();
    let (other, line) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let line = tokio::spawn(line);

    dal.transaction(async |tx| {
        for _ in 0..3 {
            let new = NewTaskExecution::standalone("t");
            let refused = dal.task_execution().create(new).await.unwrap_err();
            assert!(refused.is_transient(), "{refused:?}");
            let Error::Connection(reason) = refused else {
                panic!("{refused:?}");
            };
            assert!(reason.contains("too many connections"), "{reason}");
            assert!(reason.contains("make the pools smaller"), "{reason}");
        }
        // Whoever has a connection is not disturbed.
        tx.task_execution()
            .create(NewTaskExecution::standalone("t"))
            .await
    })
    .await
    .unwrap();

    drop(other);
    line.await.unwrap().unwrap();
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'");
    while db.query_i64(&gone).await > 1 {}
    hold_connections(&dal, CONNECTIONS).await;
    task::create(&dal).await;
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}
