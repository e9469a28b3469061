//! Calls that must not do anything.

use std::fmt::Debug;

use taskbox_dal::{Error, Result};
use taskbox_test_support::TestDatabase;

/// Fails unless the call is refused with exactly this error, and leaves every table as it was.
pub(crate) async fn assert_refused<T: Debug>(
    db: &TestDatabase,
    call: impl Future<Output = Result<T>>,
    expected: Error,
) {
    let before = db.dump().await;
    let error = call.await.unwrap_err();
    assert_eq!(format!("{error:?}"), format!("{expected:?}"));
    assert_eq!(db.dump().await, before, "{error} changed something");
}
