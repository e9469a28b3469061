//! Transactions that meet in a chosen order: one is held open, and the others are seen to wait for it.

use diesel::result::Error as Diesel;
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_test_support::TestDatabase;
use tokio::{sync::oneshot, task::JoinHandle};

use super::call::Call;

/// A transaction that has made its call and does not end before it is told to.
pub(crate) struct Held {
    end: oneshot::Sender<End>,
    transaction: JoinHandle<Result<()>>,
}

enum End {
    Commit,
    RollBack,
}

impl Held {
    /// Begins, and makes a call that has nobody to wait for.
    pub(crate) async fn after(dal: &DAL, call: Call) -> Self {
        let (done, is_done) = oneshot::channel();
        let (end, ending) = oneshot::channel();
        let dal = dal.clone();
        let transaction = tokio::spawn(async move {
            dal.transaction(async move |tx: &mut Tx<'_>| {
                call.within(tx).await?;
                let _ = done.send(());
                match ending.await {
                    Ok(End::Commit) => Ok(()),
                    Ok(End::RollBack) | Err(_) => Err(Error::from(Diesel::RollbackTransaction)),
                }
            })
            .await
        });
        is_done.await.expect("the first call goes through");
        Self { end, transaction }
    }

    pub(crate) async fn commit(self) {
        assert!(self.end.send(End::Commit).is_ok());
        self.transaction.await.unwrap().unwrap();
    }

    pub(crate) async fn roll_back(self) {
        assert!(self.end.send(End::RollBack).is_ok());
        let error = self.transaction.await.unwrap().unwrap_err();
        let rolled_back = matches!(error, Error::Database(Diesel::RollbackTransaction));
        assert!(rolled_back, "{error}");
    }
}

/// A call that waits.
pub(crate) struct Waiting(JoinHandle<Result<()>>);

impl Waiting {
    /// Makes the call in a transaction that is not tried again.
    pub(crate) async fn begin(db: &TestDatabase, dal: &DAL, call: Call, waiting: i64) -> Self {
        let dal = dal.clone();
        let transaction = async move {
            dal.transaction(async move |tx: &mut Tx<'_>| call.within(tx).await)
                .await
        };
        Self::start(db, transaction, waiting).await
    }

    /// Makes the call as an operation of the `DAL`.
    pub(crate) async fn begin_on(db: &TestDatabase, dal: &DAL, call: Call, waiting: i64) -> Self {
        let dal = dal.clone();
        Self::start(db, async move { call.on(&dal).await }, waiting).await
    }

    /// Comes back when so many transactions wait for a lock, this one included.
    async fn start(
        db: &TestDatabase,
        call: impl Future<Output = Result<()>> + Send + 'static,
        waiting: i64,
    ) -> Self {
        let call = tokio::spawn(call);
        while db.query_i64(BLOCKED).await < waiting {
            assert!(!call.is_finished(), "the call did not wait: {call:?}");
        }
        Self(call)
    }

    pub(crate) async fn end(self) -> Result<()> {
        self.0.await.unwrap()
    }
}

const BLOCKED: &str = "SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Makes the first call and holds its transaction, sees that the second waits for it, and commits the first; answers
/// with what the second then says.
pub(crate) async fn meet(db: &TestDatabase, dal: &DAL, first: Call, second: Call) -> Result<()> {
    let held = Held::after(dal, first).await;
    let waiting = Waiting::begin(db, dal, second, 1).await;
    held.commit().await;
    waiting.end().await
}
