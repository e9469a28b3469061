//! The ways to write a hot transition.

pub(crate) mod postgres_sql;
mod postgres_typed;
pub(crate) mod sqlite_sql;
mod sqlite_typed;
mod typed;

use taskbox_dal::DAL;
use taskbox_test_support::Backend;
use uuid::Uuid;

use super::arena::Arena;

/// A way to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// SQL written by hand for `mark_ready` alone, without a DAL: as fast as it gets.
    Floor,
    /// The same as the textbook writes it: statement after statement on Postgres, task after task on `SQLite`.
    Textbook,
    /// What the DAL does: statements made from the rule, over lists.
    Dal,
    /// Ordinary typed Diesel in `dal.transaction`.
    Typed,
}

impl Shape {
    pub(crate) const ALL: [Self; 4] = [Self::Floor, Self::Textbook, Self::Dal, Self::Typed];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Textbook => "textbook",
            Self::Dal => "dal",
            Self::Typed => "typed",
        }
    }
}

/// A shape that is connected to a database.
pub(crate) enum Contestant {
    PostgresFloor(postgres_sql::OneStatement),
    PostgresTextbook(postgres_sql::Sequence),
    PostgresTyped(DAL),
    SqliteFloor(sqlite_sql::Sets),
    SqliteTextbook(sqlite_sql::Loop),
    SqliteTyped(DAL),
    Dal(DAL),
}

impl Contestant {
    pub(crate) async fn new(shape: Shape, arena: &Arena) -> Self {
        let url = arena.database.url();
        match (arena.case.backend, shape) {
            (Backend::Postgres, Shape::Floor) => {
                Self::PostgresFloor(postgres_sql::OneStatement::new(&url, arena.case).await)
            }
            (Backend::Postgres, Shape::Textbook) => {
                Self::PostgresTextbook(postgres_sql::Sequence::new(&url).await)
            }
            (Backend::Postgres, Shape::Typed) => Self::PostgresTyped(connect(&url).await),
            (Backend::Sqlite, Shape::Floor) => Self::SqliteFloor(sqlite_sql::Sets::new(&url)),
            (Backend::Sqlite, Shape::Textbook) => Self::SqliteTextbook(sqlite_sql::Loop::new(&url)),
            (Backend::Sqlite, Shape::Typed) => Self::SqliteTyped(connect(&url).await),
            (_, Shape::Dal) => Self::Dal(connect(&url).await),
        }
    }

    pub(crate) async fn mark_ready(&self, tasks: &[Uuid]) {
        match self {
            Self::PostgresFloor(floor) => floor.mark_ready(tasks).await,
            Self::PostgresTextbook(sequence) => sequence.mark_ready(tasks).await,
            Self::PostgresTyped(dal) => postgres_typed::mark_ready(dal, tasks).await,
            Self::SqliteFloor(floor) => floor.mark_ready(tasks),
            Self::SqliteTextbook(textbook) => textbook.mark_ready(tasks),
            Self::SqliteTyped(dal) => sqlite_typed::mark_ready(dal, tasks).await,
            Self::Dal(dal) => match tasks {
                [task] => dal.task_execution().mark_ready(*task).await,
                _ => dal.task_execution().mark_ready_many(tasks).await.map(drop),
            }
            .expect("the tasks have not started"),
        }
    }
}

async fn connect(url: &str) -> DAL {
    DAL::connect(url).await.expect("the database is there")
}
