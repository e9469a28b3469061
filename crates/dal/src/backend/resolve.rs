//! What became of a transaction whose COMMIT was not answered.

use super::Pool;
#[cfg(feature = "postgres")]
use super::{Kind, lease, postgres};
use crate::{Error, Result};

impl Pool {
    /// Asks the database, by another connection, what it did: `Ok` if it committed.
    ///
    /// Without an `id`, or on a backend that cannot be asked, the answer is [`Error::CommitUnknown`].
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "only Postgres can be asked")
    )]
    pub(crate) async fn resolve(
        &self,
        id: Option<i64>,
        source: diesel::result::Error,
    ) -> Result<()> {
        match (&self.0, id) {
            #[cfg(feature = "postgres")]
            (Kind::Postgres(pool), Some(id)) => match ask(pool, id).await {
                postgres::Fate::Committed => Ok(()),
                postgres::Fate::RolledBack => Err(Error::Database(source)),
                postgres::Fate::Undecided => Err(Error::CommitUnknown { source }),
            },
            _ => Err(Error::CommitUnknown { source }),
        }
    }
}

/// How often the server is asked: it may have to start again first.
#[cfg(feature = "postgres")]
const QUESTIONS: u32 = 50;
/// The pause between two questions.
#[cfg(feature = "postgres")]
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

#[cfg(feature = "postgres")]
async fn ask(pool: &postgres::Pool, id: i64) -> postgres::Fate {
    for _ in 0..QUESTIONS {
        match ask_once(pool, id).await {
            Ok(postgres::Fate::Undecided) => {}
            Ok(fate) => return fate,
            Err(error) => tracing::debug!(%error, "cannot ask for the fate of a commit yet"),
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "nothing announces that a commit is decided"
        )]
        tokio::time::sleep(PAUSE).await;
    }
    postgres::Fate::Undecided
}

#[cfg(feature = "postgres")]
async fn ask_once(pool: &postgres::Pool, id: i64) -> Result<postgres::Fate> {
    let mut loan = lease::acquire(pool, PAUSE * 10).await?;
    let fate = postgres::fate(loan.connection(), id).await?;
    loan.give_back();
    Ok(fate)
}
