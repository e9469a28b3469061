//! Drops a call after 1, 2, 3 … polls, until it is done by then.

use taskbox_dal::DAL;
use taskbox_test_support::{TestDatabase, invariants};

use crate::support::{
    left::assert_nothing_is_held,
    poll::{Moment, poll_times},
    prepared::Operation,
};

/// Drops an operation at each poll, on connections that are cold and on warm ones.
pub(crate) async fn drop_everywhere(db: &TestDatabase, operation: impl Operation) {
    let dal = DAL::builder(db.url()).pool_size(2).connect().await.unwrap();
    for moment in Moment::BOTH {
        // On lucky threads a statement is done at the first poll, and there is nothing to drop.
        while drop_until_done(db, &dal, operation, moment).await == 0 {}
    }
}

/// The same for one that finds a broken state, which stays if it is dropped.
pub(crate) async fn drop_where_broken(db: &TestDatabase, operation: impl Operation) {
    db.is_broken_on_purpose();
    drop_everywhere(db, operation).await;
}

/// Answers how often it was dropped.
async fn drop_until_done(
    db: &TestDatabase,
    dal: &DAL,
    operation: impl Operation,
    moment: Moment,
) -> usize {
    let mut polls = 0;
    loop {
        polls += 1;
        let subject = operation.prepare(db, dal).await;
        let done = poll_times(polls, moment, operation.on(dal, &subject)).await;
        assert_nothing_is_held(db, dal).await;
        if db.must_be_whole() {
            invariants::assert(db).await;
        }
        if let Some(answer) = done {
            answer.unwrap();
            return polls - 1;
        }
    }
}
