//! Postgres: connections, and the statements around a transaction.

use std::{error::Error as _, time::Duration};

use diesel::{ConnectionError, ConnectionResult, QueryResult, connection::TransactionDepthChange};
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    TransactionManager,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool as pooled,
    },
};
use futures_util::FutureExt;
use tokio_postgres::NoTls;

use super::CommitError;
use crate::{Error, Result, queries::execution_event::is_written, witness::Witness};

pub(crate) type Manager = AsyncDieselConnectionManager<AsyncPgConnection>;
pub(crate) type Pool = pooled::Pool<AsyncPgConnection>;

impl From<Pool> for super::Pool {
    fn from(pool: Pool) -> Self {
        Self(super::Kind::Postgres(pool))
    }
}

/// Nets for what no client can promise: a client that vanishes while its statement runs is noticed in
/// half a second, and one that freezes in a transaction loses it, with its locks, in a minute.
///
/// Compiling a statement just in time pays for queries of minutes: for a batch of ten thousand tasks it took
/// longer than running it.
const SETTINGS: &str = "SET client_connection_check_interval = '500ms';
    SET jit = off;
    SET idle_in_transaction_session_timeout = '60s'";

/// After how long without a word the system asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// The same where the URL says nothing.
const OS_KEEPALIVE: Duration = Duration::from_hours(2);

/// How long a connection is given to say whether it is still alive after a COMMIT that failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn pool(config: &tokio_postgres::Config, size: usize) -> Result<Pool> {
    let mut config = config.clone();
    if config.get_application_name().is_none() {
        config.application_name("taskbox");
    }
    // Two hours otherwise, for which a machine that vanished would be waited for.
    if config.get_keepalives_idle() == OS_KEEPALIVE {
        config.keepalives_idle(KEEPALIVE);
        config.keepalives_interval(KEEPALIVE / 3);
        config.keepalives_retries(3);
    }
    let mut manager = ManagerConfig::default();
    // A check at every checkout would be a round trip more for every call. A connection that has died
    // shows at BEGIN, where nothing is lost yet and the door tries again with another.
    manager.recycling_method = RecyclingMethod::Fast;
    manager.custom_setup = Box::new(move |_| establish(config.clone()).boxed());
    // The URL stays out of the manager, which hands it to instrumentation.
    pooled::Pool::builder(Manager::new_with_config("", manager))
        .max_size(size)
        .build()
        .map_err(|error| Error::Connection(error.to_string()))
}

/// A connection as the pool makes them, which is not of the pool.
pub(crate) async fn connect(pool: &Pool) -> Result<AsyncPgConnection> {
    let connection = deadpool::managed::Manager::create(pool.manager()).await;
    connection.map_err(|error| Error::Connection(error.to_string()))
}

/// What to say of a server that did not answer for so long.
pub(crate) fn no_answer(waited: Duration) -> Error {
    Error::Connection(format!("no answer within {waited:?}"))
}

async fn establish(config: tokio_postgres::Config) -> ConnectionResult<AsyncPgConnection> {
    let (client, connection) = config
        .connect(NoTls)
        .await
        .map_err(|error| ConnectionError::BadConnection(reason(&error)))?;
    let mut connection =
        AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
    connection
        .batch_execute(SETTINGS)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// The error with its causes, without which it is no more than "db error".
fn reason(error: &tokio_postgres::Error) -> String {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        reason.push_str(": ");
        reason.push_str(&error.to_string());
        cause = error.source();
    }
    reason
}

pub(crate) async fn begin(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction(connection).await
}

/// Commits, with a sentinel before COMMIT in the same message.
///
/// If a statement failed and its error was swallowed, Postgres answers COMMIT by rolling back, without an
/// error. The sentinel is what fails then.
pub(crate) async fn commit(connection: &mut AsyncPgConnection) -> Result<(), CommitError> {
    if let Err(error) = connection.batch_execute("SELECT; COMMIT").await {
        return Err(not_committed_or_unknown(connection, error).await);
    }
    // Diesel did not see the COMMIT, and is told: its depth is what tells the pool that the connection is clean.
    AnsiTransactionManager::transaction_manager_status_mut(connection)
        .transaction_state()
        .and_then(|state| state.change_transaction_depth(TransactionDepthChange::DecreaseDepth))
        .map_err(|error| CommitError::NotCommitted(error.into()))
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
