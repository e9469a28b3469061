//! Transactions that meet in a chosen order: one is held open, and the others are seen to wait for it.

use std::fmt::Debug;

use diesel::result::Error as Diesel;
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_test_support::{Backend, TestDatabase};
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
        Self::after_all(dal, vec![call]).await
    }

    /// Begins, and makes calls that have nobody to wait for.
    pub(crate) async fn after_all(dal: &DAL, calls: Vec<Call>) -> Self {
        let (done, is_done) = oneshot::channel();
        let (end, ending) = oneshot::channel();
        let dal = dal.clone();
        let transaction = tokio::spawn(async move {
            dal.transaction(async move |tx: &mut Tx<'_>| {
                for call in &calls {
                    call.within(tx).await?;
                }
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

    /// Starts a call beside the open transaction, sees whether it waits, commits the transaction, and answers with what
    /// the call says then.
    ///
    /// On SQLite the call needs a pool of its own.
    pub(crate) async fn meet(self, db: &TestDatabase, dal: &DAL, call: Call) -> (Way, Result<()>) {
        let owned = dal.clone();
        let call = tokio::spawn(async move {
            owned
                .transaction(async move |tx: &mut Tx<'_>| call.within(tx).await)
                .await
        });
        let way = match db.backend() {
            Backend::Postgres => way_on_postgres(db, &call).await,
            Backend::Sqlite => way_on_sqlite(db, dal, &call).await,
        };
        self.commit().await;
        (way, call.await.unwrap())
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

/// How a call met a transaction that was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It waited for its end.
    Waited,
    /// It was done before.
    WentOn,
}

async fn way_on_postgres<T>(db: &TestDatabase, call: &JoinHandle<T>) -> Way {
    loop {
        if call.is_finished() {
            return Way::WentOn;
        }
        if db.count_blocked().await > 0 {
            return Way::Waited;
        }
    }
}

/// Whoever waits for the file has reached its beginning and nothing after it. A call that does not wait would get on
/// while the file is read a few times.
async fn way_on_sqlite<T>(db: &TestDatabase, dal: &DAL, call: &JoinHandle<T>) -> Way {
    let mut reached = Vec::new();
    let mut reads = 0;
    while reads < 3 {
        db.query_i64("SELECT count(*) FROM task_executions").await;
        reached.extend(dal.faults().take_reached());
        if reached.len() > 1 || call.is_finished() {
            return Way::WentOn;
        }
        reads += reached.len();
    }
    Way::Waited
}

/// A call that waits.
pub(crate) struct Waiting<T = ()>(JoinHandle<Result<T>>);

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
}

impl<T: Debug + Send + 'static> Waiting<T> {
    /// Comes back when so many transactions wait for a lock, this one included.
    pub(crate) async fn start(
        db: &TestDatabase,
        call: impl Future<Output = Result<T>> + Send + 'static,
        waiting: i64,
    ) -> Self {
        let call = tokio::spawn(call);
        while db.count_blocked().await < waiting {
            assert!(!call.is_finished(), "the call did not wait: {call:?}");
        }
        Self(call)
    }

    pub(crate) async fn end(self) -> Result<T> {
        self.0.await.unwrap()
    }
}

/// Makes the first call and holds its transaction, sees that the second waits for it, and commits the first; answers
/// with what the second then says.
pub(crate) async fn meet(db: &TestDatabase, dal: &DAL, first: Call, second: Call) -> Result<()> {
    let held = Held::after(dal, first).await;
    let waiting = Waiting::begin(db, dal, second, 1).await;
    held.commit().await;
    waiting.end().await
}
