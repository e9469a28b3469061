//! Triggers by which the database itself refuses what an operation writes.

use std::collections::{BTreeMap, BTreeSet};

use taskbox_test_support::{Backend, TestDatabase};

/// What is written to one table, and of the history, one type of event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Write {
    table: &'static str,
    verb: &'static str,
    event_type: Option<String>,
}

/// When, or how, the database refuses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    /// Postgres: at once.
    Statement,
    /// Postgres: at COMMIT, with everything written.
    Commit,
    /// SQLite: and takes back what the statement did.
    Abort,
    /// SQLite: and leaves what the statement had done.
    Fail,
    /// SQLite: and ends the transaction.
    Rollback,
}

impl Refusal {
    pub(crate) const fn all(backend: Backend) -> &'static [Self] {
        match backend {
            Backend::Postgres => &[Self::Statement, Self::Commit],
            Backend::Sqlite => &[Self::Abort, Self::Fail, Self::Rollback],
        }
    }
}

pub(crate) type Dump = BTreeMap<&'static str, Vec<Vec<Option<String>>>>;

/// What was written between two dumps.
pub(crate) fn writes(before: &Dump, after: &Dump) -> BTreeSet<Write> {
    let mut writes = BTreeSet::new();
    for (table, old) in before {
        let write = |verb, event_type| Write {
            table,
            verb,
            event_type,
        };
        let new = &after[table];
        let has_key = |rows: &[Vec<_>], row: &Vec<_>| rows.iter().any(|other| other[0] == row[0]);
        for row in new.iter().filter(|row| !old.contains(row)) {
            let verb = if has_key(old, row) {
                "UPDATE"
            } else {
                "INSERT"
            };
            let event_type = (*table == "execution_events").then(|| row[3].clone().unwrap());
            writes.insert(write(verb, event_type));
        }
        if old.iter().any(|row| !has_key(new, row)) {
            writes.insert(write("DELETE", None));
        }
    }
    writes
}

/// Lets the database refuse such a write from now on.
pub(crate) async fn refuse(db: &TestDatabase, write: &Write, refusal: Refusal) {
    let Write { table, verb, .. } = write;
    let when = write.event_type.as_ref().map_or(String::new(), |event| {
        format!("WHEN (NEW.event_type = '{event}')")
    });
    let on_postgres = |kind, deferred| {
        format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN RAISE EXCEPTION ''refused''; END';
CREATE {kind} refuse AFTER {verb} ON {table} {deferred}
FOR EACH ROW {when} EXECUTE FUNCTION refuse()"
        )
    };
    let on_sqlite = |how| {
        format!(
            "CREATE TRIGGER refuse AFTER {verb} ON {table} {when}
BEGIN SELECT RAISE({how}, 'refused'); END"
        )
    };
    db.execute(&match refusal {
        Refusal::Statement => on_postgres("TRIGGER", ""),
        Refusal::Commit => on_postgres("CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED"),
        Refusal::Abort => on_sqlite("ABORT"),
        Refusal::Fail => on_sqlite("FAIL"),
        Refusal::Rollback => on_sqlite("ROLLBACK"),
    })
    .await;
}

/// Lets the database take such writes again.
pub(crate) async fn allow(db: &TestDatabase, write: &Write) {
    let on_table = match db.backend() {
        Backend::Postgres => format!(" ON {}", write.table),
        Backend::Sqlite => String::new(),
    };
    db.execute(&format!("DROP TRIGGER refuse{on_table}")).await;
}
