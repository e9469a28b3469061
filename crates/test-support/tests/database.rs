//! What a test may count on.

use taskbox_test_support::{Backend, TestDatabase, suite};
use uuid::Uuid;

async fn the_tables_are_there_and_empty(db: &TestDatabase) {
    let tasks = "SELECT count(*) FROM task_executions";
    assert_eq!(db.query_i64(tasks).await, 0);
}

async fn the_migrations_count_as_done(db: &TestDatabase) {
    let versions = db
        .query_text("SELECT min(version) FROM __diesel_schema_migrations")
        .await;
    assert_eq!(versions, [[Some("20261123000001".to_owned())]]);
}

async fn an_empty_database_has_no_tables(db: &TestDatabase) {
    let count = db.try_execute("SELECT count(*) FROM task_executions");
    let error = count.await.expect_err("there is no such table");
    assert!(error.contains("task_executions"), "{error}");
}

async fn each_test_has_a_database_of_its_own(db: &TestDatabase) {
    let other = TestDatabase::create(db.backend()).await;
    other.execute(&insert_worker(&other, Uuid::nil())).await;

    let workers = "SELECT count(*) FROM task_workers";
    assert_eq!(other.query_i64(workers).await, 1);
    assert_eq!(db.query_i64(workers).await, 0);
}

async fn a_uuid_reads_as_it_was_written(db: &TestDatabase) {
    let id = Uuid::now_v7();
    db.execute(&insert_worker(db, id)).await;
    let rows = db.query_text("SELECT id, NULL FROM task_workers").await;
    assert_eq!(rows, [[Some(id.to_string()), None]]);
}

async fn foreign_keys_are_enforced(db: &TestDatabase) {
    db.execute(&insert_worker(db, Uuid::now_v7())).await;
    let orphan = "INSERT INTO task_claims (task_execution_id, worker_id, epoch) SELECT id, id, 1 FROM task_workers";
    let error = db
        .try_execute(orphan)
        .await
        .expect_err("there is no such task");
    assert!(error.to_lowercase().contains("foreign key"), "{error}");
}

async fn a_postgres_database_is_dropped_under_its_users(db: &TestDatabase) {
    let other = TestDatabase::create(Backend::Postgres).await;
    let name = other.url().rsplit(['/', '?']).nth(1).map(ToOwned::to_owned);
    let databases = format!(
        "SELECT count(*) FROM pg_database WHERE datname = '{}'",
        name.unwrap_or_default()
    );
    assert_eq!(db.query_i64(&databases).await, 1);
    drop(other);
    assert_eq!(db.query_i64(&databases).await, 0);
}

async fn a_sqlite_database_is_in_wal_mode_and_its_folder_goes_with_it(_db: &TestDatabase) {
    let other = TestDatabase::create(Backend::Sqlite).await;
    let mode = other.query_text("PRAGMA journal_mode").await;
    assert_eq!(mode, [[Some("wal".to_owned())]]);

    let file = other.url().replace("sqlite://", "");
    assert!(std::fs::exists(&file).is_ok_and(|exists| exists), "{file}");
    drop(other);
    assert!(std::fs::exists(&file).is_ok_and(|exists| !exists), "{file}");
}

fn insert_worker(db: &TestDatabase, id: Uuid) -> String {
    let id = db.uuid_literal(id);
    let time = match db.backend() {
        Backend::Postgres => "clock_timestamp()",
        Backend::Sqlite => "0",
    };
    format!("INSERT INTO task_workers (id, name, lease_expires_at) VALUES ({id}, 'w', {time})")
}

suite! {
    both: [
        the_tables_are_there_and_empty,
        the_migrations_count_as_done,
        each_test_has_a_database_of_its_own,
        a_uuid_reads_as_it_was_written,
        foreign_keys_are_enforced,
    ],
    empty: [an_empty_database_has_no_tables],
    postgres: [a_postgres_database_is_dropped_under_its_users],
    sqlite: [a_sqlite_database_is_in_wal_mode_and_its_folder_goes_with_it],
}
