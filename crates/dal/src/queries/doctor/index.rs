//! The indexes that there are, and those that the migrations make.

#[cfg(feature = "sqlite")]
use diesel_async::RunQueryDsl;
use taskbox_schema::sql_types;

use super::super::Sql;
use crate::{Result, connection::Connection};

/// An index: the table that it is on, and its name.
pub(crate) type Index = (&'static str, &'static str);

/// Every index that the migrations make on Postgres. A test holds it against the migrated catalogue.
#[cfg(feature = "postgres")]
const POSTGRES: [Index; 19] = [
    ("execution_events", "execution_events_created_at_idx"),
    (
        "execution_events",
        "execution_events_pipeline_execution_id_idx",
    ),
    ("execution_events", "execution_events_pkey"),
    ("execution_events", "execution_events_rare_event_type_idx"),
    ("execution_events", "execution_events_task_execution_id_idx"),
    ("pipeline_executions", "pipeline_executions_pkey"),
    ("task_claims", "task_claims_pkey"),
    ("task_claims", "task_claims_worker_id_idx"),
    ("task_dependencies", "task_dependencies_dependency_id_idx"),
    ("task_dependencies", "task_dependencies_pkey"),
    (
        "task_executions",
        "task_executions_pipeline_execution_id_idx",
    ),
    ("task_executions", "task_executions_pkey"),
    ("task_outbox", "task_outbox_claim_idx"),
    ("task_outbox", "task_outbox_pkey"),
    ("task_outbox", "task_outbox_queue_idx"),
    ("task_outbox", "task_outbox_task_execution_id_key"),
    ("task_schedule", "task_schedule_due_at_idx"),
    ("task_schedule", "task_schedule_pkey"),
    ("task_workers", "task_workers_pkey"),
];

/// The same on `SQLite`. Differs: those of keys are a part of their tables there, and are not listed; and there is no
/// index on the times of events.
#[cfg(feature = "sqlite")]
const SQLITE: [Index; 9] = [
    (
        "execution_events",
        "execution_events_pipeline_execution_id_idx",
    ),
    ("execution_events", "execution_events_rare_event_type_idx"),
    ("execution_events", "execution_events_task_execution_id_idx"),
    ("task_claims", "task_claims_worker_id_idx"),
    ("task_dependencies", "task_dependencies_dependency_id_idx"),
    (
        "task_executions",
        "task_executions_pipeline_execution_id_idx",
    ),
    ("task_outbox", "task_outbox_claim_idx"),
    ("task_outbox", "task_outbox_queue_idx"),
    ("task_schedule", "task_schedule_due_at_idx"),
];

/// The indexes that there should be.
pub(crate) fn expected(connection: &Connection<'_>) -> &'static [Index] {
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => &POSTGRES,
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(_) => &SQLITE,
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

/// The indexes that there are on the tables of Taskbox, by name, and whether each can be used.
pub(crate) async fn found(connection: &mut Connection<'_>) -> Result<Vec<(String, bool)>> {
    type Row = (sql_types::Text, sql_types::Bool);
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => {
            let statement: Sql<'_, Row> = Sql::new(format!(
                "SELECT c.relname::text, i.indisvalid AND i.indisready
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid IN ({})
ORDER BY c.relname",
                super::tables()
            ));
            Ok(line.load(statement).await?)
        }
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => {
            let c = line.begun().await?;
            let statement: Sql<'_, Row> = Sql::new(
                "SELECT name, true FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name",
            );
            Ok(statement.load(c).await?)
        }
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

#[cfg(all(test, feature = "postgres", feature = "sqlite"))]
mod tests {
    use taskbox_test_support::{Backend, TestDatabase};

    use super::{POSTGRES, SQLITE};

    taskbox_test_support::suite! { what_is_expected_is_what_the_migrations_make }

    async fn what_is_expected_is_what_the_migrations_make(db: &TestDatabase) {
        let (sql, expected): (_, &[_]) = match db.backend() {
            Backend::Postgres => (
                "SELECT tablename, indexname FROM pg_indexes
                 WHERE schemaname = 'public' AND tablename NOT LIKE '\\_\\_diesel%'",
                &POSTGRES,
            ),
            Backend::Sqlite => (
                "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
                &SQLITE,
            ),
        };
        let mut found = db.query_text(sql).await;
        found.sort_unstable();
        let expected = expected
            .iter()
            .map(|(table, index)| vec![Some((*table).to_owned()), Some((*index).to_owned())]);
        assert_eq!(found, expected.collect::<Vec<_>>());
    }
}
