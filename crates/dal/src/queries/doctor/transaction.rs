//! Who has a transaction open.

use crate::{OpenTransactions, Result, connection::Connection};

/// Those that are open for the longest time. Differs: on SQLite nobody knows of the transactions of others.
#[cfg_attr(
    not(feature = "postgres"),
    expect(
        clippy::unused_async,
        unused_variables,
        reason = "only Postgres can be asked"
    )
)]
pub(crate) async fn open(connection: &mut Connection<'_>, limit: i64) -> Result<OpenTransactions> {
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => postgres::open(line.begun().await?, limit).await,
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(_) => Ok(OpenTransactions::default()),
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use diesel::sql_types::Nullable;
    use diesel_async::{AsyncPgConnection, RunQueryDsl};
    use taskbox_schema::sql_types::{Int4, Int8, Text};

    use super::super::super::{Bind, Sql, duration};
    use crate::{Holder, OpenTransaction, OpenTransactions, Result};

    /// What it is, its process, its name, its state, its age in microseconds, and that of what it sees in transactions.
    type Row = (
        String,
        Option<i32>,
        String,
        String,
        Option<i64>,
        Option<i64>,
    );

    type Columns = (
        Text,
        Nullable<Int4>,
        Text,
        Text,
        Nullable<Int8>,
        Nullable<Int8>,
    );

    pub(super) async fn open(
        connection: &mut AsyncPgConnection,
        limit: i64,
    ) -> Result<OpenTransactions> {
        let rows: Vec<Row> = oldest(limit).load(connection).await?;
        // These words stand there instead. That there is no state says less: one that has just begun has none, either.
        let hidden: Sql<'_, Int8> = Sql::new(
            "SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND query = '<insufficient privilege>' AND pid <> pg_backend_pid()",
        );
        Ok(OpenTransactions {
            oldest: rows.into_iter().map(transaction).collect(),
            hidden: hidden.get_result(connection).await?,
        })
    }

    /// Without `pg_stat_activity.query`, which may hold what is not for everyone. A vacuum waits for no other.
    fn oldest<'a>(limit: i64) -> Sql<'a, Columns> {
        Sql::new(
            "SELECT what, pid, name, state, open_for, behind FROM (
    SELECT 'session' AS what, pid, application_name AS name, state, ",
        )
        .microseconds_since("xact_start")
        .text(
            " AS open_for, age(backend_xmin)::bigint AS behind
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND xact_start IS NOT NULL
        AND state IS NOT NULL AND pid <> pg_backend_pid()
    UNION ALL
    SELECT 'prepared', NULL, gid, '', ",
        )
        .microseconds_since("prepared")
        .text(
            ", age(transaction)::bigint
    FROM pg_prepared_xacts WHERE database = current_database()
    UNION ALL
    SELECT 'slot', NULL, slot_name::text, '', NULL, age(xmin)::bigint
    FROM pg_replication_slots WHERE xmin IS NOT NULL
    UNION ALL
    SELECT 'standby', pid, application_name, '', NULL, age(backend_xmin)::bigint
    FROM pg_stat_replication WHERE backend_xmin IS NOT NULL
) holders
ORDER BY open_for DESC NULLS LAST, behind DESC NULLS LAST LIMIT ",
        )
        .bind(Bind::Integer(limit))
    }

    fn transaction((what, pid, name, state, open_for, behind): Row) -> OpenTransaction {
        let holder = match &*what {
            "prepared" => Holder::Prepared(name),
            "slot" => Holder::Slot(name),
            "standby" => Holder::Standby(name),
            _ => Holder::Session {
                pid: pid.unwrap_or_default(),
                application: name,
                state,
            },
        };
        OpenTransaction {
            holder,
            open_for: open_for.map(duration),
            behind,
        }
    }
}
