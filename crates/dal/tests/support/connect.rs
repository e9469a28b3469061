//! The handle that a test works with.

use taskbox_dal::DAL;
use taskbox_test_support::TestDatabase;

pub(crate) async fn connect(db: &TestDatabase) -> DAL {
    DAL::connect(db.url()).await.unwrap()
}
