//! The migrations, done and undone by the real Diesel CLI.
//!
//! These tests run at the root of the repository, in parallel. None may write `schema.rs` there, so each run
//! has either `--locked-schema` or a configuration that prints no schema.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod cli;
    pub(crate) mod postgres;
    pub(crate) mod repository;
}

use std::{fs, path::Path};

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use support::{
    cli::{diesel, write_project},
    postgres::{self, Database},
    repository::root,
};
use tempfile::TempDir;

const ON_SQLITE: &str = "--config-file migrations/sqlite/diesel.toml";
const WITHOUT_SCHEMA_RS: &str =
    "--config-file migrations/sqlite/diesel.toml --migration-dir migrations/postgres";

#[test]
fn on_postgres_the_migrations_make_schema_rs_and_can_be_undone() {
    let database = Database::create();
    let before = schema_rs();
    for command in [
        "migration run --locked-schema",
        "migration redo --all --locked-schema",
        &format!("migration revert --all {WITHOUT_SCHEMA_RS}"),
    ] {
        diesel(root(), &database.url, command).unwrap();
    }
    assert_eq!(
        relations(&database.url, "public"),
        ["__diesel_schema_migrations"]
    );
    assert_eq!(schema_rs(), before);
}

#[test]
fn on_sqlite_the_migrations_leave_schema_rs_alone_and_can_be_undone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tasks.db");
    let before = schema_rs();
    let migration = |command: &str| {
        let arguments = format!("migration {command} {ON_SQLITE}");
        diesel(root(), file.to_str().unwrap(), &arguments).unwrap();
    };
    migration("run");
    migration("redo --all");
    assert!(tables(&file).contains(&"task_outbox".to_owned()));
    migration("revert --all");
    assert_eq!(tables(&file), ["__diesel_schema_migrations"]);
    assert_eq!(schema_rs(), before);
}

#[test]
fn a_migration_that_schema_rs_does_not_know_is_refused() {
    let database = Database::create();
    let before = schema_rs();
    diesel(root(), &database.url, "migration run --locked-schema").unwrap();
    let folder = TempDir::new().unwrap();
    write_project(
        folder.path(),
        "",
        "ALTER TABLE task_outbox ADD COLUMN note text;",
        "",
    );
    let run = format!(
        "migration run --locked-schema --migration-dir {}/migrations",
        folder.path().display()
    );
    let complaint = diesel(root(), &database.url, &run).unwrap_err();
    assert!(complaint.contains("would result in changes"), "{complaint}");
    assert_eq!(schema_rs(), before);
}

// The two recipes of migrations/README.md for an application that uses Diesel in the same database.
#[test]
fn an_application_lives_beside_a_postgres_schema_for_taskbox() {
    let database = Database::create();
    let taskbox = format!(
        "{}?options=-c%20search_path%3Dtaskbox%2Cpublic",
        database.url
    );
    execute(&database.url, "CREATE SCHEMA taskbox");
    diesel(
        root(),
        &taskbox,
        &format!("migration run {WITHOUT_SCHEMA_RS}"),
    )
    .unwrap();

    let application = application("[print_schema]\nfile = \"schema.rs\"\n");
    diesel(application.path(), &database.url, "migration run").unwrap();
    diesel(application.path(), &database.url, "migration redo --all").unwrap();
    assert_knows_orders_alone(application.path());
    assert_eq!(
        relations(&database.url, "public"),
        ["__diesel_schema_migrations", "orders"]
    );
    execute(&taskbox, "INSERT INTO orders SELECT id FROM task_outbox");
}

#[test]
fn an_application_in_the_same_postgres_schema_prints_only_its_own_tables() {
    let database = Database::create();
    diesel(
        root(),
        &database.url,
        &format!("migration run {WITHOUT_SCHEMA_RS}"),
    )
    .unwrap();
    let readme = fs::read_to_string(root().join("migrations/README.md")).unwrap();
    let filter = readme
        .lines()
        .find(|line| line.starts_with("filter = "))
        .unwrap();

    let application = application(&format!("[print_schema]\nfile = \"schema.rs\"\n{filter}\n"));
    diesel(application.path(), &database.url, "migration run").unwrap();
    assert_knows_orders_alone(application.path());
    let complaint =
        diesel(application.path(), &database.url, "migration revert --all").unwrap_err();
    assert!(
        complaint.contains("Unable to find migration version"),
        "{complaint}"
    );
}

fn application(configuration: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    write_project(
        folder.path(),
        configuration,
        "CREATE TABLE orders (id bigint PRIMARY KEY);",
        "DROP TABLE orders;",
    );
    folder
}

fn assert_knows_orders_alone(application: &Path) {
    let printed = fs::read_to_string(application.join("schema.rs")).unwrap();
    assert_eq!(printed.matches("table! {").count(), 1, "{printed}");
    assert!(printed.contains("orders (id) {"), "{printed}");
}

fn schema_rs() -> String {
    fs::read_to_string(root().join("crates/schema/src/schema.rs")).unwrap()
}

fn tables(file: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(file).unwrap();
    let mut query = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
        .unwrap();
    let names = query.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

#[derive(QueryableByName)]
struct Relation {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Tables, sequences, views: all but indexes.
fn relations(url: &str, schema: &str) -> Vec<String> {
    let relations: Vec<Relation> = postgres::runtime().block_on(async {
        let mut connection = AsyncPgConnection::establish(url).await.unwrap();
        sql_query(
            "SELECT relname::text AS name FROM pg_class
             WHERE relnamespace = $1::regnamespace AND relkind <> 'i' ORDER BY 1",
        )
        .bind::<Text, _>(schema)
        .load(&mut connection)
        .await
        .unwrap()
    });
    relations
        .into_iter()
        .map(|relation| relation.name)
        .collect()
}

fn execute(url: &str, sql: &str) {
    postgres::runtime().block_on(async {
        let mut connection = AsyncPgConnection::establish(url).await.unwrap();
        sql_query(sql).execute(&mut connection).await.unwrap();
    });
}
