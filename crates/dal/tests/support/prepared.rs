//! Calls with something to do.

use std::fmt::Debug;

use taskbox_dal::{DAL, Result, Tx};
use taskbox_test_support::TestDatabase;

/// A call that writes, as a value.
pub(crate) trait Operation: Copy + Debug + Send + Sync + 'static {
    /// What it is done to.
    type Subject: Clone + Send + Sync + 'static;

    /// Makes something to do, so that the next call of this operation does it.
    fn prepare(self, db: &TestDatabase, dal: &DAL) -> impl Future<Output = Self::Subject> + Send;

    fn on(self, dal: &DAL, subject: &Self::Subject) -> impl Future<Output = Result<()>> + Send;

    fn within(
        self,
        tx: &mut Tx<'_>,
        subject: &Self::Subject,
    ) -> impl Future<Output = Result<()>> + Send;
}
