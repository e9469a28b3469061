//! The rules that the schema keeps on both backends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod catalogue;
    pub(crate) mod migrations;
    pub(crate) mod postgres;
    pub(crate) mod repository;
    pub(crate) mod sqlite;
}

use std::{collections::BTreeSet, fs, path::Path};

use support::{catalogue::Catalogue, migrations, sqlite};
use taskbox_models::{EventType, PipelineStatus, RunWhen, TaskStatus};

/// The columns of `task_executions` that are as they were made; all others change.
const FIXED: &[&str] = &[
    "id",
    "pipeline_execution_id",
    "task_name",
    "queue",
    "priority",
    "run_when",
    "max_attempts",
    "input",
    "created_at",
];

#[test]
fn both_backends_have_the_same_migrations() {
    let names = |backend| {
        let migrations = migrations::of(backend);
        migrations
            .iter()
            .map(|path| path.file_name().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_ne!(names("postgres"), [""; 0]);
    assert_eq!(names("postgres"), names("sqlite"));
}

#[test]
fn every_migration_can_be_done_and_undone() {
    let is_blank = |script: &Path| {
        fs::read_to_string(script)
            .unwrap_or_default()
            .trim()
            .is_empty()
    };
    for migration in ["postgres", "sqlite"].into_iter().flat_map(migrations::of) {
        for script in ["up.sql", "down.sql"] {
            let script = migration.join(script);
            assert!(!is_blank(&script), "{} says nothing", script.display());
        }
    }
}

/// The last migration that no released program had to live with.
const FIRST_VERSION: &str = "2026-11-23-000008";

/// Why programs of the version before could not go on after this statement; `None` if they can.
fn breaks_programs_of_before(statement: &str) -> Option<&'static str> {
    let words = words(statement)
        .map(str::to_uppercase)
        .collect::<Vec<_>>()
        .join(" ");
    let begins = |with: &str| words.starts_with(with);
    if begins("CREATE TABLE") || begins("CREATE INDEX") || begins("COMMENT ON") {
        return None;
    }
    if !(begins("ALTER TABLE") && words.contains(" ADD COLUMN ")) {
        return Some("it does more than add");
    }
    let is_required = words.contains(" NOT NULL") && !words.contains(" DEFAULT ");
    if is_required || words.contains(" UNIQUE") || words.contains(" PRIMARY KEY") {
        return Some("it asks for what those programs do not write");
    }
    None
}

#[test]
fn a_migration_after_the_first_version_only_adds() {
    for migration in ["postgres", "sqlite"].into_iter().flat_map(migrations::of) {
        let name = migration.file_name().unwrap().to_str().unwrap().to_owned();
        if &name[..FIRST_VERSION.len()] <= FIRST_VERSION {
            continue;
        }
        let script = fs::read_to_string(migration.join("up.sql")).unwrap();
        let script = script
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"));
        let script = script.collect::<Vec<_>>().join("\n");
        for statement in statements(&script) {
            assert_eq!(
                breaks_programs_of_before(statement),
                None,
                "{name}: {statement}"
            );
        }
    }
}

/// Split where no text is open; a comment of Postgres may have a semicolon in it.
fn statements(script: &str) -> impl Iterator<Item = &str> {
    let mut is_open = false;
    let parts = script.split(move |c| {
        is_open ^= c == '\'';
        c == ';' && !is_open
    });
    parts
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
}

#[test]
fn what_would_break_programs_of_before_is_found() {
    for statement in [
        "DROP TABLE task_outbox",
        "ALTER TABLE task_outbox DROP COLUMN queue",
        "ALTER TABLE task_outbox RENAME COLUMN queue TO line",
        "ALTER TABLE task_outbox ADD COLUMN line text NOT NULL",
        "ALTER TABLE task_outbox ADD COLUMN line text UNIQUE",
        "ALTER TABLE task_outbox ADD CONSTRAINT named CHECK (queue <> '')",
        "CREATE UNIQUE INDEX one ON task_outbox (queue)",
        "UPDATE task_outbox SET queue = 'default'",
    ] {
        assert!(
            breaks_programs_of_before(statement).is_some(),
            "{statement}"
        );
    }
    let fine = "ALTER TABLE task_outbox ADD COLUMN line integer NOT NULL DEFAULT 1";
    assert_eq!(breaks_programs_of_before(fine), None);
    assert_eq!(
        statements("COMMENT ON x IS 'a; b'; CREATE TABLE y ()").count(),
        2
    );
}

#[test]
fn every_check_of_a_status_names_the_values_of_its_enum() {
    for catalogue in Catalogue::of_both() {
        let check = |table, column| checked_values(&catalogue, table, column);
        let pipeline_statuses = texts(PipelineStatus::ALL, PipelineStatus::as_str);
        assert_eq!(check("pipeline_executions", "status"), pipeline_statuses);
        let task_statuses = texts(TaskStatus::ALL, TaskStatus::as_str);
        assert_eq!(check("task_executions", "status"), task_statuses);
        let conditions = texts(RunWhen::ALL, RunWhen::as_str);
        assert_eq!(check("task_executions", "run_when"), conditions);
    }
}

#[test]
fn a_live_table_has_at_most_one_row_for_a_task_and_none_without_it() {
    const CASCADE: &str =
        "FOREIGN KEY (task_execution_id) REFERENCES task_executions(id) ON DELETE CASCADE";
    const UNIQUE: [&str; 2] = [
        "PRIMARY KEY (task_execution_id)",
        "UNIQUE (task_execution_id)",
    ];
    for catalogue in Catalogue::of_both() {
        for table in TaskStatus::ALL
            .iter()
            .filter_map(|status| status.live_table())
        {
            let (table, backend) = (table.as_str(), catalogue.backend);
            let constraints = catalogue.constraints(table);
            assert!(constraints.contains(&CASCADE), "{table} on {backend}");
            assert!(
                UNIQUE.iter().any(|unique| constraints.contains(unique)),
                "{table} on {backend}"
            );
        }
    }
}

// One index over a column that changes, or with one in its predicate, and no update of a task is HOT.
#[test]
fn no_index_on_tasks_knows_a_column_that_changes() {
    let columns = columns_of_tasks();
    for catalogue in Catalogue::of_both() {
        let indexes = catalogue.indexes("task_executions");
        assert_ne!(indexes, [""; 0], "{}", catalogue.backend);
        for index in indexes {
            let (_, definition) = index.split_once(" ON ").unwrap();
            let changing: Vec<_> = words(definition)
                .filter(|word| columns.contains(*word) && !FIXED.contains(word))
                .collect();
            assert_eq!(changing, [""; 0], "{index}");
        }
    }
}

// Rows that come and go, or that are rewritten, in tables that stay small; the reasons are in the migrations.
#[test]
fn tables_have_the_room_and_the_vacuum_that_their_rows_need() {
    let [postgres, _] = Catalogue::of_both();
    let expected = [
        ("pipeline_executions", "fillfactor=70"),
        ("task_claims", "autovacuum_vacuum_scale_factor=0"),
        ("task_claims", "autovacuum_vacuum_threshold=2000"),
        ("task_executions", "fillfactor=50"),
        ("task_outbox", "autovacuum_vacuum_scale_factor=0"),
        ("task_outbox", "autovacuum_vacuum_threshold=2000"),
        ("task_schedule", "autovacuum_vacuum_scale_factor=0"),
        ("task_schedule", "autovacuum_vacuum_threshold=2000"),
        ("task_workers", "autovacuum_vacuum_scale_factor=0"),
        ("task_workers", "autovacuum_vacuum_threshold=500"),
        ("task_workers", "fillfactor=50"),
    ];
    assert_eq!(postgres.storage(), expected);
}

#[test]
fn every_choice_of_storage_comes_with_its_reason() {
    let mut choices = 0;
    for migration in migrations::of("postgres") {
        let script = fs::read_to_string(migration.join("up.sql")).unwrap();
        let lines: Vec<_> = script.lines().collect();
        for pair in lines
            .windows(2)
            .filter(|pair| pair[1].starts_with("WITH ("))
        {
            assert!(pair[0].starts_with("-- "), "{}", migration.display());
            choices += 1;
        }
    }
    assert_eq!(choices, 6, "each table that chooses has been looked at");
}

#[test]
fn the_index_of_rare_events_leaves_out_events_that_exist() {
    let [postgres, sqlite] = Catalogue::of_both().map(|catalogue| left_out(&catalogue));
    assert_eq!(postgres, sqlite);
    assert_ne!(postgres, BTreeSet::new());
    for text in postgres {
        assert!(text.parse::<EventType>().is_ok(), "{text}");
    }
}

fn left_out(catalogue: &Catalogue) -> BTreeSet<String> {
    let indexes = catalogue.indexes("execution_events");
    let mut rare = indexes
        .iter()
        .filter(|index| index.contains("_rare_event_type_idx"));
    quoted(rare.next().unwrap()).map(str::to_owned).collect()
}

/// The values that the CHECK of this column alone allows, each as often as it is named.
fn checked_values(catalogue: &Catalogue, table: &str, column: &str) -> Vec<String> {
    let of_column = |check: &&str| words(check).take(2).eq(["CHECK", column]);
    let mut checks = catalogue.constraints(table).into_iter().filter(of_column);
    let check = checks.next().unwrap();
    assert_eq!(checks.next(), None, "a second check of {table}.{column}");
    let mut values: Vec<_> = quoted(check).map(str::to_owned).collect();
    values.sort();
    values
}

fn texts<T: Copy>(values: &[T], text: fn(T) -> &'static str) -> Vec<String> {
    let mut texts: Vec<_> = values.iter().map(|value| text(*value).to_owned()).collect();
    texts.sort();
    texts
}

fn columns_of_tasks() -> BTreeSet<String> {
    let columns = sqlite::pairs(
        &sqlite::migrated(),
        "SELECT name, type FROM pragma_table_info('task_executions')",
    );
    columns.into_iter().map(|(name, _)| name).collect()
}

fn quoted(definition: &str) -> impl Iterator<Item = &str> {
    definition.split('\'').skip(1).step_by(2)
}

fn words(definition: &str) -> impl Iterator<Item = &str> {
    definition
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}
