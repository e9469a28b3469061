//! What is said and seen of tasks that become ready.

#[cfg(feature = "postgres")]
pub(crate) mod postgres {
    use diesel::{
        QueryResult,
        sql_types::{Nullable, Text},
    };
    use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

    use crate::queries::{Bind, Sql};

    /// The name of the channel, as SQL. Channels are of a database and not of a schema, so it has the number of the
    /// table that this connection sees: whoever sees the same table meets there, and nobody else. It needs no quotes.
    const CHANNEL: &str = "'taskbox_' || to_regclass('task_outbox')::oid::text";

    /// The name of the channel; `None` if there is no such table yet.
    pub(crate) async fn channel(connection: &mut AsyncPgConnection) -> QueryResult<Option<String>> {
        let statement: Sql<'_, Nullable<Text>> = Sql::new(format!("SELECT {CHANNEL}"));
        let mut rows: Vec<Option<String>> = statement.load(connection).await?;
        Ok(rows.pop().flatten())
    }

    /// Has the connection hear what is said on the channel.
    pub(crate) async fn listen(
        connection: &mut AsyncPgConnection,
        channel: &str,
    ) -> QueryResult<()> {
        connection.batch_execute(&format!("LISTEN {channel}")).await
    }

    /// Says something on the channel. There is nothing in it that a crash could lose, so it does not wait for the disk:
    /// by a setting of its own transaction alone, since behind a pooler the session is not ours.
    pub(crate) async fn notify(
        connection: &mut AsyncPgConnection,
        payload: &str,
    ) -> QueryResult<()> {
        let statement: Sql<'_> = Sql::new(format!(
            "SELECT set_config('synchronous_commit', 'off', true), pg_notify({CHANNEL}, "
        ))
        .bind(Bind::Text(payload))
        .text(")");
        statement.execute(connection).await.map(drop)
    }
}

#[cfg(feature = "sqlite")]
pub(crate) mod sqlite {
    use std::time::Duration;

    use diesel::{
        OptionalExtension, QueryResult, RunQueryDsl, SqliteConnection, sql_types::Nullable,
    };
    use taskbox_schema::sql_types;

    use crate::queries::Sql;

    /// A number that changes with every commit of another connection, whatever it wrote.
    pub(crate) fn version(connection: &mut SqliteConnection) -> QueryResult<i32> {
        let statement: Sql<'_, sql_types::Int4> = Sql::new("PRAGMA data_version");
        statement.get_result(connection)
    }

    /// What there is for workers.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, diesel::Queryable)]
    pub(crate) struct Work {
        /// Grows with every row of the outbox.
        published: i64,
        /// Whether a claim would find one.
        is_ready: bool,
        /// When the next scheduled task is due.
        due_at: Option<i64>,
        /// The microseconds until then.
        due_in: Option<i64>,
    }

    pub(crate) fn work(connection: &mut SqliteConnection) -> QueryResult<Work> {
        type Row = (
            sql_types::Int8,
            sql_types::Bool,
            Nullable<sql_types::Int8>,
            Nullable<sql_types::Int8>,
        );
        let statement: Sql<'_, Row> = Sql::new(
            "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'task_outbox'), 0),
    EXISTS (SELECT 1 FROM task_outbox WHERE NOT held),
    due_at, due_at - ",
        )
        .now()
        .text("\nFROM (SELECT min(due_at) AS due_at FROM task_schedule)");
        let work: Option<Work> = statement.get_result(connection).optional()?;
        Ok(work.unwrap_or_default())
    }

    impl Work {
        /// In how long there is something for workers that was not there before; `None` if there is nothing new.
        pub(crate) fn since(self, before: Self) -> Option<Duration> {
            let is_published = self.published != before.published;
            let is_let_go = self.is_ready && !before.is_ready;
            if is_published || is_let_go {
                return Some(Duration::ZERO);
            }
            let is_earlier = before
                .due_at
                .is_none_or(|before| self.due_at < Some(before));
            let due_in = self.due_in.filter(|_| is_earlier)?;
            Some(Duration::from_micros(
                u64::try_from(due_in).unwrap_or_default(),
            ))
        }
    }

    #[cfg(test)]
    mod tests {
        use std::time::Duration;

        use super::Work;

        const NONE: Work = Work {
            published: 7,
            is_ready: false,
            due_at: None,
            due_in: None,
        };

        fn due(due_at: i64, due_in: i64) -> Work {
            Work {
                due_at: Some(due_at),
                due_in: Some(due_in),
                ..NONE
            }
        }

        #[test]
        fn what_was_there_before_is_not_new() {
            assert_eq!(NONE.since(NONE), None);
            assert_eq!(NONE.since(due(90, 50)), None);
            assert_eq!(due(90, 50).since(due(90, 60)), None);
            assert_eq!(due(90, 50).since(due(80, 60)), None);
        }

        #[test]
        fn what_is_published_or_let_go_is_new() {
            let published = Work {
                published: 8,
                ..NONE
            };
            let is_ready = Work {
                is_ready: true,
                ..NONE
            };
            for now in [published, is_ready] {
                assert_eq!(now.since(NONE), Some(Duration::ZERO));
            }
            assert_eq!(is_ready.since(is_ready), None);
        }

        #[test]
        fn what_is_due_earlier_is_new_once_it_is_due() {
            assert_eq!(due(90, 50).since(NONE), Some(Duration::from_micros(50)));
            assert_eq!(
                due(90, 50).since(due(95, 60)),
                Some(Duration::from_micros(50))
            );
            assert_eq!(due(90, -5).since(due(95, 60)), Some(Duration::ZERO));
        }
    }
}
