//! The connections of a pool: that each has its settings, and that a pool of the program's own can be used.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use diesel::sql_types::{Integer, Text};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl,
    pooled_connection::{AsyncDieselConnectionManager, deadpool::Pool},
};
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::TaskStatus;
use taskbox_test_support::{Backend, TestDatabase};

mod support {
    pub(crate) mod own_pool;
    pub(crate) mod own_sql;
    pub(crate) mod task;
}

use support::{own_pool, own_sql, task};

taskbox_test_support::suite! {
    both: [a_pool_of_the_programs_own_can_be_used, a_second_pool_is_free_when_the_first_is_not],
    sqlite: [every_connection_has_the_settings],
}

/// The pools are made as diesel-async's own documentation makes them.
async fn a_pool_of_the_programs_own_can_be_used(db: &TestDatabase) {
    let dal = match db.backend() {
        Backend::Postgres => {
            let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(db.url());
            DAL::from_pool(Pool::builder(manager).build().unwrap())
        }
        Backend::Sqlite => DAL::from_pool(own_pool::pool(db, 4)),
    };
    assert!(dal.migrate().await.unwrap().is_empty());
    assert!(dal.with_own_pool(1).unwrap().is_none());
    let (task, other) = (task::create(&dal).await, task::create(&dal).await);
    dal.task_execution().mark_ready(task).await.unwrap();
    dal.transaction(async |tx| {
        tx.task_execution().mark_ready(other).await?;
        tx.task_execution().cancel(task).await
    })
    .await
    .unwrap();
    assert_eq!(task::status(&dal, task).await, TaskStatus::Cancelled);
    assert_eq!(task::status(&dal, other).await, TaskStatus::Ready);
}

async fn a_second_pool_is_free_when_the_first_is_not(db: &TestDatabase) {
    let lease = Duration::from_secs(7);
    let dal = DAL::builder(db.url()).pool_size(1).lease(lease);
    let dal = dal.connect().await.unwrap();
    let second = dal.with_own_pool(1).unwrap().unwrap();
    dal.transaction(async |_tx| {
        assert_eq!(second.task_outbox().count_pending().await?, 0);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    let worker = second.worker().register("w").await.unwrap();
    let lasts = worker.lease_expires_at - worker.registered_at;
    assert!((6..=7).contains(&lasts.num_seconds()), "{lasts}");
    assert!(dal.with_own_pool(0).is_err());
}

#[derive(Debug, PartialEq, diesel::QueryableByName)]
struct Settings {
    #[diesel(sql_type = Text)]
    journal_mode: String,
    #[diesel(sql_type = Integer)]
    synchronous: i32,
    #[diesel(sql_type = Integer)]
    foreign_keys: i32,
    #[diesel(sql_type = Integer)]
    timeout: i32,
    #[diesel(sql_type = Integer)]
    trusted_schema: i32,
}

async fn settings(tx: &mut Tx<'_>) -> Result<Settings> {
    let settings = "SELECT * FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys,
        pragma_busy_timeout, pragma_trusted_schema";
    let settings = diesel::sql_query(settings);
    Ok(settings.get_result(tx.sqlite()?).await?)
}

/// Each connection is marked once it was seen, by a table that no other connection has.
async fn every_connection_has_the_settings(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    dal.transaction(async |_tx| {
        let outbox = dal.task_outbox();
        let (one, other) = tokio::join!(outbox.count_pending(), outbox.count_pending());
        one.and(other)
    })
    .await
    .unwrap();
    for _ in 0..3 {
        let found = dal
            .transaction(async |tx| {
                own_sql::execute(tx, "CREATE TEMP TABLE seen (id INTEGER)").await?;
                settings(tx).await
            })
            .await;
        let expected = Settings {
            journal_mode: "wal".to_owned(),
            synchronous: 2,
            foreign_keys: 1,
            timeout: 5000,
            trusted_schema: 0,
        };
        assert_eq!(found.unwrap(), expected);
    }
    let fourth = dal
        .transaction(async |tx| own_sql::execute(tx, "CREATE TEMP TABLE seen (id INTEGER)").await)
        .await;
    assert!(matches!(fourth, Err(Error::Database(_))), "there are three");
}
