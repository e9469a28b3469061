//! The file of a test's database, and a pool on it that the program made itself.

use diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool::Pool};
use taskbox_dal::AsyncSqliteConnection;
use taskbox_test_support::TestDatabase;

pub(crate) fn file(db: &TestDatabase) -> String {
    db.url().trim_start_matches("sqlite://").to_owned()
}

/// As diesel-async's own documentation makes it: with no runtime for timeouts.
pub(crate) fn pool(db: &TestDatabase, size: usize) -> Pool<AsyncSqliteConnection> {
    let manager = AsyncDieselConnectionManager::new(file(db));
    Pool::builder(manager).max_size(size).build().unwrap()
}
