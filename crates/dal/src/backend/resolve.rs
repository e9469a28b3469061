//! What became of a transaction whose COMMIT was not answered.

#[cfg(feature = "postgres")]
use std::time::Duration;

use super::Pool;
#[cfg(feature = "postgres")]
use super::{Kind, lease, postgres};
use crate::{Error, Result, witness::Witness};

impl Pool {
    /// Asks the database, by another connection, what it did: `Ok` if it committed.
    ///
    /// Without a witness, or on a backend that cannot be asked, the answer is [`Error::CommitUnknown`].
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "only Postgres can be asked")
    )]
    pub(crate) async fn resolve(
        &self,
        witness: Option<Witness>,
        source: diesel::result::Error,
    ) -> Result<()> {
        match (&self.0, witness) {
            #[cfg(feature = "postgres")]
            (Kind::Postgres(pool), Some(witness)) => match ask(pool, witness).await {
                postgres::Fate::Committed => Ok(()),
                postgres::Fate::RolledBack => Err(Error::Database(source)),
                postgres::Fate::Undecided => Err(Error::CommitUnknown { source }),
            },
            _ => Err(Error::CommitUnknown { source }),
        }
    }
}

/// How long the server is asked: it may have to start again first.
#[cfg(feature = "postgres")]
const PATIENCE: Duration = Duration::from_secs(5);
/// The pause between two questions.
#[cfg(feature = "postgres")]
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(feature = "postgres")]
async fn ask(pool: &postgres::Pool, witness: Witness) -> postgres::Fate {
    let decided = async {
        loop {
            match ask_once(pool, witness).await {
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
    };
    let decided = tokio::time::timeout(PATIENCE, decided).await;
    decided.unwrap_or(postgres::Fate::Undecided)
}

#[cfg(feature = "postgres")]
async fn ask_once(pool: &postgres::Pool, witness: Witness) -> Result<postgres::Fate> {
    let mut loan = lease::acquire(pool, PATIENCE).await?;
    let fate = postgres::fate(loan.connection(), witness).await?;
    loan.give_back();
    Ok(fate)
}
