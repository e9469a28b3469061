//! A database that is put back as it was, again and again.

use taskbox_test_support::TestDatabase;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::state::State;

pub(crate) struct World {
    client: Client,
    restore: String,
    look: String,
}

/// A session that has lost its client may still be at work, and a COMMIT that is on its way to it may yet be done.
const WAIT: &str = "DO $$
    DECLARE deadline timestamptz := clock_timestamp() + interval '20 s';
    BEGIN
        WHILE EXISTS (
            SELECT FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'taskbox' AND state <> 'idle'
        ) LOOP
            ASSERT clock_timestamp() < deadline, 'a transaction was left open';
            PERFORM pg_sleep(0.001);
            PERFORM pg_stat_clear_snapshot();
        END LOOP;
    END $$";

/// Rows that one statement writes have their ids in any order.
const ORDER: &str = "row -> 'task_execution_id', row -> 'pipeline_execution_id', row -> 'id', row";

impl World {
    /// Remembers what is in the tables now.
    pub(crate) async fn keep(db: &TestDatabase) -> Self {
        let (client, driver) = tokio_postgres::connect(&db.url(), NoTls).await.unwrap();
        tokio::spawn(driver);
        let dump = db.dump().await;
        let each =
            |sql: fn(&str) -> String| dump.keys().map(|table| sql(table)).collect::<Vec<_>>();
        let keep = each(|table| format!("CREATE TABLE kept.{table} AS TABLE {table}"));
        let keep = format!("CREATE SCHEMA kept; {}", keep.join(";"));
        client.batch_execute(&keep).await.unwrap();
        let clear = each(|table| format!("DELETE FROM {table}"));
        let fill =
            each(|table| format!("INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE kept.{table}"));
        let rows = each(|table| {
            format!(
                "'{table}', (SELECT jsonb_agg(row ORDER BY {ORDER}) FROM {table} t, to_jsonb(t) row)"
            )
        });
        Self {
            client,
            restore: format!(
                "BEGIN; SET LOCAL session_replication_role = replica; {}; {}; COMMIT",
                clear.join(";"),
                fill.join(";")
            ),
            look: format!("{WAIT}; SELECT jsonb_build_object({})", rows.join(",")),
        }
    }

    pub(crate) async fn restore(&self) {
        self.client.batch_execute(&self.restore).await.unwrap();
    }

    /// What is in the tables, once nobody is at work any more.
    pub(crate) async fn look(&self) -> State {
        let messages = self.client.simple_query(&self.look).await.unwrap();
        let row = messages.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        State::parse(row.unwrap())
    }
}
