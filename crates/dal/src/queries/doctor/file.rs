//! The state of a SQLite file.

use crate::{Result, connection::Connection};

/// What is damaged, in the words of SQLite. Differs: Postgres has programs of its own for that.
#[cfg_attr(
    not(feature = "sqlite"),
    expect(
        clippy::unused_async,
        unused_variables,
        reason = "only SQLite can be asked"
    )
)]
pub(crate) async fn damage(connection: &mut Connection<'_>, limit: i64) -> Result<Vec<String>> {
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(Vec::new()),
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => sqlite::damage(line.begun().await?, limit).await,
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

/// How large the write-ahead log is. Differs: that of a Postgres server is not that of one database.
#[cfg_attr(
    not(feature = "sqlite"),
    expect(clippy::unused_async, reason = "only SQLite can be asked")
)]
pub(crate) async fn wal_bytes(connection: &mut Connection<'_>) -> Result<Option<u64>> {
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(_) => Ok(None),
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => Ok(Some(sqlite::wal_bytes(line.begun().await?).await?)),
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use diesel_async::RunQueryDsl;
    use taskbox_schema::sql_types::Text;

    use super::super::super::{Bind, Sql};
    use crate::{AsyncSqliteConnection, Result};

    pub(super) async fn damage(
        connection: &mut AsyncSqliteConnection,
        limit: i64,
    ) -> Result<Vec<String>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        // It stops after 100 by itself.
        let pages: Sql<'_, Text> = Sql::new("SELECT quick_check FROM pragma_quick_check LIMIT ")
            .bind(Bind::Integer(limit));
        let mut damage: Vec<String> = pages.load(connection).await?;
        damage.retain(|line| line != "ok");
        let orphans: Sql<'_, Text> = Sql::new(
            "SELECT format('%d rows of %s refer to rows of %s that are not there', count(*), \"table\", \"parent\")
FROM pragma_foreign_key_check GROUP BY \"table\", \"parent\" ORDER BY 1 LIMIT ",
        )
        .bind(Bind::Integer(limit));
        damage.extend(orphans.load::<String>(connection).await?);
        Ok(damage)
    }

    pub(super) async fn wal_bytes(connection: &mut AsyncSqliteConnection) -> Result<u64> {
        let file: Sql<'_, Text> =
            Sql::new("SELECT file FROM pragma_database_list WHERE name = 'main'");
        let file: String = file.get_result(connection).await?;
        // The file system knows; there is no log before the first write, and after a clean end.
        let size = connection
            .spawn_blocking(move |_| Ok(std::fs::metadata(format!("{file}-wal"))))
            .await?;
        Ok(size.map_or(0, |found| found.len()))
    }
}
