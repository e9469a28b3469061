use std::collections::BTreeMap;
use std::fmt;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

use crate::{OwnServer, canary, migrations, postgres, sqlite};

/// Every table, and what its rows are sorted by.
const TABLES: [(&str, &str); 8] = [
    ("execution_events", "id"),
    ("pipeline_executions", "id"),
    ("task_claims", "task_execution_id"),
    ("task_dependencies", "task_execution_id, dependency_id"),
    ("task_executions", "id"),
    ("task_outbox", "id"),
    ("task_schedule", "task_execution_id"),
    ("task_workers", "id"),
];

/// By the locks that last until a transaction ends. There are shorter ones: whoever commits a NOTIFY waits for all others
/// on the whole server that do, and so for other tests.
const BLOCKED: &str = "SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
AND wait_event IN ('advisory', 'relation', 'transactionid', 'tuple')";

/// The databases that Taskbox runs on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Backend {
    /// The server of `TASKBOX_POSTGRES_URL`.
    Postgres,
    /// A file in a temporary folder.
    Sqlite,
}

impl Backend {
    /// Its name, and that of its folder of migrations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A database that one test has to itself. It is gone when this is dropped.
///
/// The methods that run SQL take a connection of their own each, so they see what is committed.
#[derive(Debug)]
pub struct TestDatabase {
    place: Place,
    removed: Once,
    broken_on_purpose: AtomicBool,
}

#[derive(Debug)]
enum Place {
    Postgres(postgres::Database),
    Sqlite(sqlite::Database),
}

impl TestDatabase {
    /// A database with the migrated tables, and nothing in them.
    pub async fn create(backend: Backend) -> Self {
        let script = migrations::script(backend);
        Self::at(match backend {
            Backend::Postgres => Place::Postgres(postgres::Database::migrated(&script).await),
            Backend::Sqlite => Place::Sqlite(sqlite::Database::migrated(&script)),
        })
    }

    /// A database without tables: for the tests of migrating.
    pub async fn create_empty(backend: Backend) -> Self {
        Self::at(match backend {
            Backend::Postgres => Place::Postgres(postgres::Database::empty().await),
            Backend::Sqlite => Place::Sqlite(sqlite::Database::empty()),
        })
    }

    /// A Postgres database with the migrated tables, on a server of its own: for the tests of servers that go away.
    pub async fn create_alone() -> Self {
        let script = migrations::script(Backend::Postgres);
        Self::at(Place::Postgres(postgres::Database::alone(&script).await))
    }

    /// The same with two small disks, which can be [filled](OwnServer::fill): one for its tables, one for the server's log.
    pub async fn create_cramped() -> Self {
        let script = migrations::script(Backend::Postgres);
        Self::at(Place::Postgres(postgres::Database::cramped(&script).await))
    }

    fn at(place: Place) -> Self {
        Self {
            place,
            removed: Once::new(),
            broken_on_purpose: AtomicBool::new(false),
        }
    }

    /// Which of the two it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self.place {
            Place::Postgres(_) => Backend::Postgres,
            Place::Sqlite(_) => Backend::Sqlite,
        }
    }

    /// The same database, looked at in another schema, and no other: its tables, and the [invariants](crate::invariants)
    /// of these. It is gone when the database is, and not before. On Postgres alone.
    #[must_use]
    pub fn within(&self, schema: &str) -> Self {
        let Place::Postgres(database) = &self.place else {
            panic!("only Postgres has schemas");
        };
        let view = Self::at(Place::Postgres(database.within(schema)));
        view.removed.call_once(|| {});
        view
    }

    /// What to connect to: `postgres://user:password@host:port/name?sslmode=disable`, or `sqlite:///folder/tasks.db`.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.place {
            Place::Postgres(database) => database.url(),
            Place::Sqlite(database) => database.url(),
        }
    }

    /// The same for another role, which the server trusts. On Postgres alone.
    #[must_use]
    pub fn url_as(&self, role: &str) -> String {
        let url = self.url();
        let (_, server) = url.split_once('@').expect("a URL of Postgres has a user");
        format!("postgres://{role}:{}@{server}", canary::PASSWORD_IN_URL)
    }

    /// The server that it is on, which it has to itself.
    #[must_use]
    pub fn own_server(&self) -> &OwnServer {
        match &self.place {
            Place::Postgres(database) => database.own_server(),
            Place::Sqlite(_) => None,
        }
        .expect("`suite!` gives it a server of its own under `alone` and `cramped`")
    }

    /// Runs one or more statements: for triggers, and for states that the API refuses to make.
    pub async fn execute(&self, sql: &str) {
        if let Err(error) = self.try_execute(sql).await {
            panic!("{error}, in: {sql}");
        }
    }

    /// Runs one or more statements that the database may refuse: for its constraints.
    ///
    /// # Errors
    /// The database's words.
    pub async fn try_execute(&self, sql: &str) -> Result<(), String> {
        match &self.place {
            Place::Postgres(database) => database.execute(sql).await,
            Place::Sqlite(database) => database.execute(sql).await,
        }
    }

    /// The one number that a query answers. A Postgres boolean needs a `CASE`, or a `count(*)`.
    pub async fn query_i64(&self, sql: &str) -> i64 {
        match self.query_text(sql).await.as_slice() {
            [row] if row.len() == 1 => number(row[0].as_deref(), sql),
            rows => panic!("expected one row of one column, got {rows:?} from: {sql}"),
        }
    }

    /// How many sessions wait for what somebody in this database has locked. None on `SQLite`, which has no locks to look
    /// at.
    pub async fn count_blocked(&self) -> i64 {
        match self.backend() {
            Backend::Postgres => self.query_i64(BLOCKED).await,
            Backend::Sqlite => 0,
        }
    }

    /// Waits until so many sessions do, as [`count_blocked`](Self::count_blocked) counts them. Not on `SQLite`, where who
    /// waits for another has not looked at anything yet.
    pub async fn until_blocked(&self, sessions: i64) {
        while self.backend() == Backend::Postgres && self.count_blocked().await < sessions {}
    }

    /// The rows that a query answers, as text: `None` is NULL, and a UUID reads the same on both backends.
    /// Booleans don't (`t` and `f` against `1` and `0`), nor do times and JSON.
    pub async fn query_text(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let mut answers = self.query_each(&[sql.to_owned()]).await;
        answers.pop().unwrap_or_default()
    }

    /// The rows that each of the queries answers, by one connection.
    async fn query_each(&self, queries: &[String]) -> Vec<Vec<Vec<Option<String>>>> {
        match &self.place {
            Place::Postgres(database) => database.query(queries).await,
            Place::Sqlite(database) => database.query(queries).await,
        }
    }

    /// Everything in Taskbox's tables: by table, every row as text, in the order of the key. Two dumps are equal
    /// if nothing changed in between.
    pub async fn dump(&self) -> BTreeMap<&'static str, Vec<Vec<Option<String>>>> {
        let queries = TABLES.map(|(table, key)| format!("SELECT * FROM {table} ORDER BY {key}"));
        let tables = TABLES.iter().map(|(table, _)| *table);
        tables.zip(self.query_each(&queries).await).collect()
    }

    /// A UUID as SQL.
    #[must_use]
    pub fn uuid_literal(&self, uuid: Uuid) -> String {
        match self.place {
            Place::Postgres(_) => format!("'{uuid}'::uuid"),
            Place::Sqlite(_) => format!("x'{}'", uuid.simple()),
        }
    }

    /// Lets a test end in a state that breaks the [invariants](crate::invariants), which [`run`](crate::run())
    /// would refuse: for those that break it by [`execute`](Self::execute) to see what happens.
    pub fn is_broken_on_purpose(&self) {
        self.broken_on_purpose.store(true, Ordering::Relaxed);
    }

    /// Whether the invariants must hold.
    pub fn must_be_whole(&self) -> bool {
        !self.broken_on_purpose.load(Ordering::Relaxed)
    }

    /// Removes it, also from under those who are still connected.
    pub(crate) fn remove(&self) {
        self.removed.call_once(|| match &self.place {
            Place::Postgres(database) => database.remove(),
            Place::Sqlite(database) => database.remove(),
        });
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.remove();
    }
}

fn number(text: Option<&str>, sql: &str) -> i64 {
    text.and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("expected a number, got {text:?} from: {sql}"))
}
