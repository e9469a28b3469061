//! Who ends a transaction whose COMMIT goes to the connection's thread together with its statements.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use diesel::{
    QueryResult, SqliteConnection,
    connection::{AnsiTransactionManager, TransactionManager},
    result::Error,
};

use crate::{backend::Ended, fault::Faults};

/// What a caller holds of a transaction that its connection's thread may commit.
///
/// Either the caller gives up, and the thread does not commit; or the thread commits, and the caller knows that it may
/// have. Dropping this gives up.
#[derive(Debug)]
pub(crate) struct Ending(Arc<Latch>);

/// What the thread holds of it.
#[derive(Debug)]
pub(super) struct Latch {
    state: AtomicU8,
    faults: Faults,
}

const OPEN: u8 = 0;
const GIVEN_UP: u8 = 1;
const COMMITTING: u8 = 2;
const COMMITTED: u8 = 3;

impl Ending {
    pub(super) fn new(faults: Faults) -> Self {
        Self(Arc::new(Latch {
            state: AtomicU8::new(OPEN),
            faults,
        }))
    }

    pub(super) fn latch(&self) -> Arc<Latch> {
        Arc::clone(&self.0)
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.state.load(Ordering::Acquire) == OPEN
    }

    /// Gives up what is not being committed. Whatever this answers stays true, but for a COMMIT whose end is not known.
    pub(super) fn settle(&self) -> Ended {
        let state = &self.0.state;
        match state.compare_exchange(OPEN, GIVEN_UP, Ordering::AcqRel, Ordering::Acquire) {
            Err(COMMITTED) => Ended::Committed,
            Err(COMMITTING) => Ended::Unknown,
            Ok(_) | Err(_) => Ended::No,
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Latch {
    /// Commits, unless the caller has given up. If it fails, the transaction can be rolled back.
    pub(super) fn commit(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        self.faults.reach("commit")?;
        let begun =
            self.state
                .compare_exchange(OPEN, COMMITTING, Ordering::AcqRel, Ordering::Acquire);
        if begun.is_err() {
            return Err(Error::RollbackTransaction);
        }
        let result = AnsiTransactionManager::commit_transaction(connection);
        let state = if result.is_ok() { COMMITTED } else { OPEN };
        self.state.store(state, Ordering::Release);
        result
    }
}

#[cfg(test)]
mod tests {
    use diesel::{Connection, RunQueryDsl, connection::SimpleConnection};

    use super::*;

    /// A transaction that has written a row, and that row's table.
    fn begun() -> SqliteConnection {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        connection
            .batch_execute("CREATE TABLE written (row INTEGER)")
            .unwrap();
        AnsiTransactionManager::begin_transaction(&mut connection).unwrap();
        connection
            .batch_execute("INSERT INTO written VALUES (1)")
            .unwrap();
        connection
    }

    fn is_written(connection: &mut SqliteConnection) -> bool {
        let rows = diesel::sql_query("DELETE FROM written").execute(connection);
        rows.unwrap() == 1
    }

    #[test]
    fn what_was_given_up_is_not_committed() {
        let mut connection = begun();
        let ending = Ending::new(Faults::default());
        let latch = ending.latch();
        assert_eq!(ending.settle(), Ended::No);
        assert!(latch.commit(&mut connection).is_err());
        assert_eq!(ending.settle(), Ended::No);
        AnsiTransactionManager::rollback_transaction(&mut connection).unwrap();
        assert!(!is_written(&mut connection));
    }

    #[test]
    fn a_caller_that_is_gone_has_given_up() {
        let mut connection = begun();
        let latch = Ending::new(Faults::default()).latch();
        assert!(latch.commit(&mut connection).is_err());
    }

    #[test]
    fn what_was_committed_cannot_be_given_up() {
        let mut connection = begun();
        let ending = Ending::new(Faults::default());
        assert!(ending.is_open());
        ending.latch().commit(&mut connection).unwrap();
        assert!(!ending.is_open());
        assert_eq!(ending.settle(), Ended::Committed);
        assert!(is_written(&mut connection));
    }

    #[test]
    fn a_commit_that_is_refused_leaves_a_transaction_to_roll_back() {
        let mut connection = begun();
        let ending = Ending::new(Faults::default());
        let violation = "PRAGMA foreign_keys = ON; CREATE TABLE parents (id INTEGER PRIMARY KEY);
            CREATE TABLE children (id INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
            INSERT INTO children VALUES (7)";
        AnsiTransactionManager::rollback_transaction(&mut connection).unwrap();
        connection
            .batch_execute("PRAGMA foreign_keys = ON")
            .unwrap();
        AnsiTransactionManager::begin_transaction(&mut connection).unwrap();
        connection.batch_execute(violation).unwrap();
        assert!(ending.latch().commit(&mut connection).is_err());
        assert_eq!(ending.settle(), Ended::No);
    }

    #[test]
    fn a_commit_that_is_not_heard_of_again_is_unknown() {
        let ending = Ending::new(Faults::default());
        ending.0.state.store(COMMITTING, Ordering::Release);
        assert_eq!(ending.settle(), Ended::Unknown);
    }
}
