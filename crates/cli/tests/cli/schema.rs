//! `--schema`.

use taskbox_dal::DAL;
use taskbox_models::NewTaskExecution;
use taskbox_test_support::TestDatabase;

use crate::support::program::{assert_transcript, command, finish, run};

taskbox_test_support::suite! {
    postgres: [
        a_schema_is_looked_at_alone,
        a_doctor_names_what_is_wrong_by_its_schema,
        a_schema_is_named_by_the_environment_too,
    ],
    sqlite: [on_sqlite_a_schema_is_refused],
}

/// In `public` there is a task that none of it shows.
async fn a_schema_is_looked_at_alone(db: &TestDatabase) {
    let public = DAL::connect(db.url()).await.unwrap();
    let new = NewTaskExecution::standalone("in-public");
    public.task_execution().create(new).await.unwrap();
    let before = [
        run(db.url(), &["tasks", "--schema", "tenant_a"]),
        run(db.url(), &["migrate", "--check", "--schema", "tenant_a"]),
        run(db.url(), &["migrate", "--schema", "tenant_a"]),
        run(db.url(), &["tasks", "--schema", "tenant_a"]),
    ];
    let dal = DAL::builder(db.url()).schema("tenant_a").connect();
    let new = NewTaskExecution::standalone("in-the-schema");
    let created = dal.await.unwrap().task_execution().create(new).await;
    created.unwrap();
    let after = [
        run(db.url(), &["--schema", "tenant_a", "tasks"]),
        run(db.url(), &["tasks"]),
        run(db.url(), &["tasks", "--schema", "tenant_b"]),
        run(db.url(), &["tasks", "--schema", "Tenant-A"]),
    ];
    let runs: Vec<_> = before.into_iter().chain(after).collect();
    assert_transcript("schema", &runs);
}

/// In `public` the same index is well.
async fn a_doctor_names_what_is_wrong_by_its_schema(db: &TestDatabase) {
    let doctor = ["doctor", "--schema", "tenant_a"];
    let before = run(db.url(), &doctor);
    let migrate = "run `taskbox migrate --schema tenant_a`";
    assert!(before.stdout.contains(migrate), "{}", before.stdout);
    assert_eq!(run(db.url(), &["migrate", "--schema", "tenant_a"]).code, 0);
    db.execute(
        "UPDATE pg_index SET indisvalid = false
         WHERE indexrelid = 'tenant_a.task_claims_worker_id_idx'::regclass",
    )
    .await;
    let reindex = r#"REINDEX INDEX CONCURRENTLY "tenant_a".task_claims_worker_id_idx"#;
    let after = run(db.url(), &doctor);
    assert!(after.stdout.contains(reindex), "{}", after.stdout);
    let public = run(db.url(), &["doctor"]);
    assert!(!public.stdout.contains("REINDEX"), "{}", public.stdout);
}

async fn a_schema_is_named_by_the_environment_too(db: &TestDatabase) {
    let mut command = command(&["migrate"]);
    command
        .env("DATABASE_URL", db.url())
        .env("TASKBOX_SCHEMA", "tenant_a");
    assert_eq!(finish(command, &["migrate"]).code, 0);
    let tables = "SELECT count(*) FROM tenant_a.task_executions";
    assert_eq!(db.query_i64(tables).await, 0);
}

async fn on_sqlite_a_schema_is_refused(db: &TestDatabase) {
    let runs = [
        run(db.url(), &["status", "--schema", "tenant_a"]),
        run(db.url(), &["migrate", "--schema", "tenant_a"]),
    ];
    assert_transcript("schema_sqlite", &runs);
}
