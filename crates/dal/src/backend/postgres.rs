//! Postgres: the pool, and the statements around a transaction.

mod connect;
mod line;
mod reason;
mod server;
mod session;
mod tls;
mod verifier;

use std::time::Duration;

use diesel::{QueryResult, connection::TransactionDepthChange};
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    TransactionManager,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool as pooled,
    },
};
use futures_util::{FutureExt, future::join};

use self::connect::connect;
pub(crate) use self::{line::Line, server::Server, session::takes_writes};
use super::CommitError;
use crate::{Error, Result, queries::execution_event::is_written, witness::Witness};

pub(crate) type Manager = AsyncDieselConnectionManager<AsyncPgConnection>;
pub(crate) type Pool = pooled::Pool<AsyncPgConnection>;

impl From<Pool> for super::Pool {
    fn from(pool: Pool) -> Self {
        Self(super::Kind::Postgres(pool))
    }
}

/// How long a connection is given to say whether it is still alive after a COMMIT that failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn pool(server: &Server, size: usize) -> Result<Pool> {
    let server = server.clone();
    let mut manager = ManagerConfig::default();
    // A check at every checkout would be a round trip more for every call. A connection that has died
    // shows at BEGIN, where nothing is lost yet and the door tries again with another.
    manager.recycling_method = RecyclingMethod::Fast;
    manager.custom_setup = Box::new(move |_| connect(server.clone()).boxed());
    // The URL stays out of the manager, which hands it to instrumentation.
    pooled::Pool::builder(Manager::new_with_config("", manager))
        .max_size(size)
        .build()
        .map_err(|error| Error::Connection(error.to_string()))
}

/// A connection as the pool makes them, which is not of the pool.
pub(crate) async fn connect_as(pool: &Pool) -> Result<AsyncPgConnection> {
    let connection = deadpool::managed::Manager::create(pool.manager()).await;
    connection.map_err(|error| Error::Connection(error.to_string()))
}

/// What to say of a server that did not answer for so long.
pub(crate) fn no_answer(waited: Duration) -> Error {
    Error::Connection(format!("no answer within {waited:?}"))
}

/// Commits, with a sentinel before COMMIT in the same message, and answers whether the connection is as it was.
///
/// If a statement failed and its error was swallowed, Postgres answers COMMIT by rolling back, without an
/// error. The sentinel is what fails then.
///
/// What the program may have set is put back by a message that follows without a wait. It is not in that of the COMMIT,
/// whose error would then leave open which of the two had failed, and not before it, where it would also undo what is
/// set for the COMMIT itself.
pub(crate) async fn commit(
    connection: &mut AsyncPgConnection,
    put_back: bool,
) -> Result<bool, CommitError> {
    let mut line = &*connection;
    let then = async { !put_back || session::put_back(line).await.is_ok() };
    let (committed, is_clean) = join(line.batch_execute("SELECT; COMMIT"), then).await;
    if let Err(error) = committed {
        return Err(not_committed_or_unknown(connection, error).await);
    }
    // Diesel did not see the COMMIT, and is told: its depth is what tells the pool that the connection is clean.
    AnsiTransactionManager::transaction_manager_status_mut(connection)
        .transaction_state()
        .and_then(|state| state.change_transaction_depth(TransactionDepthChange::DecreaseDepth))
        .map_err(|error| CommitError::NotCommitted(error.into()))?;
    Ok(is_clean)
}

/// Rolls back, and puts back what that does not undo, if the program may have set something.
pub(crate) async fn roll_back(
    connection: &mut AsyncPgConnection,
    put_back: bool,
) -> QueryResult<()> {
    AnsiTransactionManager::rollback_transaction(connection).await?;
    if put_back {
        session::put_back(connection).await?;
    }
    Ok(())
}

/// A COMMIT that the server refused is rolled back, and the server can say so. One whose answer was lost
/// with the connection may have gone either way.
async fn not_committed_or_unknown(
    connection: &mut AsyncPgConnection,
    error: diesel::result::Error,
) -> CommitError {
    let probe = connection.batch_execute("ROLLBACK");
    match tokio::time::timeout(PROBE_TIMEOUT, probe).await {
        Ok(Ok(())) => CommitError::NotCommitted(error.into()),
        Ok(Err(_)) | Err(_) => CommitError::Unknown(error),
    }
}

/// What became of a transaction whose COMMIT went unanswered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Committed,
    RolledBack,
    /// The server is still at it, or has forgotten.
    Undecided,
}

/// Asks the server, on another connection, what became of the transaction that left this witness.
///
/// What the server says of an id is believed of a commit only if the event is there. It is looked for in a statement
/// of its own, whose snapshot is newer than that answer.
pub(crate) async fn fate(connection: &mut AsyncPgConnection, witness: Witness) -> Result<Fate> {
    diesel::define_sql_function! {
        /// The fate of a transaction.
        #[sql_name = "pg_xact_status"]
        fn transaction_status(id: Xid8) -> diesel::sql_types::Nullable<diesel::sql_types::Text>;
    }

    let Witness {
        transaction_id,
        subject,
        revocable,
    } = witness;
    let status: Option<String> = diesel::select(transaction_status(TransactionId(transaction_id)))
        .get_result(connection)
        .await?;
    Ok(match status.as_deref() {
        Some("committed") if is_written(connection, transaction_id, subject).await? => {
            Fate::Committed
        }
        Some("committed") if revocable => Fate::Undecided,
        // Of another transaction, to which a server that crashed gave the same id.
        Some("committed" | "aborted") => Fate::RolledBack,
        _ => Fate::Undecided,
    })
}

/// Postgres' `xid8`.
#[derive(Clone, Copy, Debug, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
#[diesel(postgres_type(oid = 5069, array_oid = 271))]
struct Xid8;

#[derive(Clone, Copy, Debug, diesel::expression::AsExpression)]
#[diesel(sql_type = Xid8)]
struct TransactionId(i64);

impl diesel::serialize::ToSql<Xid8, diesel::pg::Pg> for TransactionId {
    fn to_sql<'b>(
        &'b self,
        out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
    ) -> diesel::serialize::Result {
        // In binary an xid8 is eight bytes, as a bigint is.
        <i64 as diesel::serialize::ToSql<diesel::sql_types::BigInt, diesel::pg::Pg>>::to_sql(
            &self.0, out,
        )
    }
}
