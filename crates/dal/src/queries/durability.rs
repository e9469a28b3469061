//! The settings that say what a commit is worth.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use super::Sql;
use crate::{Durability, Result, connection::Connection};

pub(crate) async fn get(connection: &mut Connection<'_>) -> Result<Durability> {
    match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => {
            let statement: Sql<'_, (Text, Text, Text)> = Sql::new(
                "SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')",
            );
            let (fsync, full_page_writes, synchronous_commit): (String, String, String) =
                statement.get_result(line.begun().await?).await?;
            Ok(Durability::Postgres {
                fsync: fsync == "on",
                full_page_writes: full_page_writes == "on",
                synchronous_commit,
            })
        }
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => {
            let statement: Sql<'_, (Text, diesel::sql_types::Integer)> = Sql::new(
                "SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous",
            );
            let (journal_mode, synchronous) = statement.get_result(line.begun().await?).await?;
            Ok(Durability::Sqlite {
                journal_mode,
                synchronous,
            })
        }
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    }
}
