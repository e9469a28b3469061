//! What the database says of itself.

use std::time::Duration;

use taskbox_dal::{DAL, Error, Holder, IndexFault, IndexProblem, Invariant};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::{Backend, TestDatabase};

use crate::support::{connect::connect, ready::ready};

taskbox_test_support::suite! {
    both: [
        an_index_that_is_missing_is_named,
        a_database_that_is_well_has_no_faults,
    ],
    postgres: [
        an_index_that_is_not_valid_is_named,
        the_index_of_a_key_is_looked_for_too,
        dead_rows_are_counted,
        a_transaction_of_another_is_seen_as_long_as_it_is_open,
        what_a_role_may_not_see_is_said,
    ],
    sqlite: [
        rows_that_refer_to_nothing_are_damage,
        a_row_that_no_check_lets_in_is_damage,
        the_log_has_a_size,
    ],
}

async fn faults(dal: &DAL) -> Vec<(&'static str, &'static str, IndexProblem)> {
    let faults = dal.doctor().indexes().await.unwrap().into_iter();
    faults
        .map(
            |IndexFault {
                 table,
                 index,
                 problem,
                 ..
             }| (table, index, problem),
        )
        .collect()
}

async fn a_database_that_is_well_has_no_faults(db: &TestDatabase) {
    let dal = connect(db).await;
    ready(&dal, NewTaskExecution::standalone("a")).await;
    // Which is a transaction, too.
    dal.announced().await;
    assert_eq!(faults(&dal).await, []);
    assert_eq!(dal.doctor().damage(9).await.unwrap(), [""; 0]);
    let open = dal.doctor().open_transactions(9).await.unwrap();
    assert_eq!((open.oldest.len(), open.hidden), (0, 0));
    let tables = dal.doctor().rows().await.unwrap();
    let wal = dal.doctor().wal_bytes().await.unwrap();
    match db.backend() {
        Backend::Postgres => assert_eq!((tables.len(), wal), (8, None)),
        Backend::Sqlite => assert_eq!((tables.len(), wal.is_some()), (0, true)),
    }
}

async fn an_index_that_is_missing_is_named(db: &TestDatabase) {
    let dal = connect(db).await;
    db.execute("DROP INDEX task_outbox_queue_idx").await;
    let expected = (
        "task_outbox",
        "task_outbox_queue_idx",
        IndexProblem::Missing,
    );
    assert_eq!(faults(&dal).await, [expected]);
}

async fn the_index_of_a_key_is_looked_for_too(db: &TestDatabase) {
    let dal = connect(db).await;
    db.execute("ALTER TABLE task_outbox DROP CONSTRAINT task_outbox_task_execution_id_key")
        .await;
    // In another schema there is one of that name.
    db.execute(
        "CREATE SCHEMA other; CREATE TABLE other.task_outbox (
             id bigint CONSTRAINT task_outbox_task_execution_id_key UNIQUE
         )",
    )
    .await;
    let key = "task_outbox_task_execution_id_key";
    let expected = ("task_outbox", key, IndexProblem::Missing);
    assert_eq!(faults(&dal).await, [expected]);
}

async fn an_index_that_is_not_valid_is_named(db: &TestDatabase) {
    let dal = connect(db).await;
    let index = "task_claims_worker_id_idx";
    let set = |column, value| {
        format!("UPDATE pg_index SET {column} = {value} WHERE indexrelid = '{index}'::regclass")
    };
    for column in ["indisvalid", "indisready"] {
        db.execute(&set(column, false)).await;
        let expected = ("task_claims", index, IndexProblem::Invalid);
        assert_eq!(faults(&dal).await, [expected], "{column}");
        db.execute(&set(column, true)).await;
    }
    assert_eq!(faults(&dal).await, []);
}

async fn dead_rows_are_counted(db: &TestDatabase) {
    let dal = connect(db).await;
    db.execute(
        "ALTER TABLE task_workers SET (autovacuum_enabled = false);
         INSERT INTO task_workers (id, name, lease_expires_at)
         SELECT gen_random_uuid(), 'w', clock_timestamp() FROM generate_series(1, 30);
         DELETE FROM task_workers WHERE id IN (SELECT id FROM task_workers LIMIT 20)",
    )
    .await;
    // The statistics come when the session has ended.
    loop {
        let tables = dal.doctor().rows().await.unwrap();
        let workers = tables.iter().find(|it| it.table == "task_workers").unwrap();
        if (workers.live, workers.dead) == (10, 20) {
            assert!(workers.bytes > 0 && workers.vacuumed.is_none());
            break;
        }
    }
    db.execute("VACUUM task_workers").await;
    loop {
        let tables = dal.doctor().rows().await.unwrap();
        let workers = tables.iter().find(|it| it.table == "task_workers").unwrap();
        if workers.dead == 0 && workers.vacuumed.is_some() {
            break;
        }
    }
}

async fn a_transaction_of_another_is_seen_as_long_as_it_is_open(db: &TestDatabase) {
    let dal = connect(db).await;
    let url = format!("{}&application_name=import", db.url());
    let other = DAL::connect(url).await.unwrap();
    let open = async || dal.doctor().open_transactions(9).await.unwrap().oldest;
    other
        .transaction(async |tx| {
            let new = NewTaskExecution::standalone("a");
            tx.task_execution().create(new).await?;
            let found = open().await;
            assert_eq!(found.len(), 1);
            let Holder::Session {
                application,
                state,
                pid,
                ..
            } = &found[0].holder
            else {
                panic!("{found:?}");
            };
            assert_eq!(
                (&**application, &**state),
                ("import", "idle in transaction")
            );
            assert!(*pid > 0 && found[0].open_for.unwrap() < Duration::from_mins(1));
            assert_eq!(dal.doctor().open_transactions(0).await?.oldest, []);
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    assert_eq!(open().await, []);
}

async fn what_a_role_may_not_see_is_said(db: &TestDatabase) {
    let dal = connect(db).await;
    let url = format!("{}&options=-c%20role%3Dpg_signal_backend", db.url());
    let nobody = DAL::connect(url).await.unwrap();
    dal.transaction(async |tx| {
        tx.task_outbox().count_pending().await?;
        let open = nobody.doctor().open_transactions(9).await?;
        assert_eq!((open.oldest.len(), open.hidden > 0), (0, true));
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    let refused = nobody.doctor().broken(Invariant::NothingStranded, 1).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("permission denied")
    );
    // What every role may know.
    assert_eq!(faults(&nobody).await, []);
    assert_eq!(nobody.doctor().rows().await.unwrap().len(), 8);
}

async fn rows_that_refer_to_nothing_are_damage(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let dal = connect(db).await;
    for _ in 0..2 {
        ready(&dal, NewTaskExecution::standalone("a")).await;
    }
    db.execute("PRAGMA foreign_keys = OFF; DELETE FROM task_executions")
        .await;
    let expected = "2 rows of task_outbox refer to rows of task_executions that are not there";
    assert_eq!(dal.doctor().damage(9).await.unwrap(), [expected]);
    assert_eq!(dal.doctor().damage(0).await.unwrap(), [""; 0]);
}

async fn a_row_that_no_check_lets_in_is_damage(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let dal = connect(db).await;
    ready(&dal, NewTaskExecution::standalone("a")).await;
    db.execute("PRAGMA ignore_check_constraints = ON; UPDATE task_executions SET attempt = -1")
        .await;
    let expected = "CHECK constraint failed in task_executions";
    assert_eq!(dal.doctor().damage(9).await.unwrap(), [expected]);
}

async fn the_log_has_a_size(db: &TestDatabase) {
    let dal = connect(db).await;
    ready(&dal, NewTaskExecution::standalone("a")).await;
    let bytes = dal.doctor().wal_bytes().await.unwrap().unwrap();
    let log = format!("{}-wal", db.url().trim_start_matches("sqlite://"));
    assert_eq!(bytes, std::fs::metadata(log).unwrap().len());
    assert!(bytes > 0);
}
