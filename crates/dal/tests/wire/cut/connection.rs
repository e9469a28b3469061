//! Connections that are lost while they are made, or while the server is asked what became of a COMMIT.

use taskbox_test_support::TestDatabase;

use super::{Door, Fate, Place, Plan, Start, cut_everywhere};
use crate::support::{
    operation::Operation,
    proxy::{Cut, Since},
};

taskbox_test_support::suite! {
    postgres: [
        a_connection_that_is_lost_while_it_is_made_is_made_again,
        whether_a_lost_commit_was_done_is_asked_again_if_the_question_is_lost,
        whether_a_lost_commit_was_not_done_is_asked_again_if_the_question_is_lost,
    ],
}

/// It makes nothing ready, of which a connection of its own would tell others.
const QUIET: Operation = Operation::Skip;

async fn a_connection_that_is_lost_while_it_is_made_is_made_again(db: &TestDatabase) {
    let plan = Plan {
        door: Door::Dal,
        start: Start::Lost,
        first: None,
        since: Since::Connect,
        is_chosen: |_| true,
    };
    let told = cut_everywhere(db, QUIET, Fate::ASKED, plan).await;
    assert!(told.cuts >= 60 && told.done == told.cuts, "{told:?}");
}

async fn whether_a_lost_commit_was_done_is_asked_again_if_the_question_is_lost(db: &TestDatabase) {
    cut_the_question(db, Cut::BEFORE_THE_ANSWER).await;
}

async fn whether_a_lost_commit_was_not_done_is_asked_again_if_the_question_is_lost(
    db: &TestDatabase,
) {
    cut_the_question(db, Cut::BEFORE_THE_SERVER).await;
}

/// Loses the connection of the COMMIT so, and then the one by which the server is asked, in the middle of every message.
async fn cut_the_question(db: &TestDatabase, commit: Cut) {
    let plan = Plan {
        door: Door::Dal,
        start: Start::Warm,
        first: Some((Since::Begin, commit)),
        since: Since::Connect,
        is_chosen: Place::is_half,
    };
    let told = cut_everywhere(db, QUIET, Fate::ASKED, plan).await;
    assert!(told.cuts >= 40 && told.done == told.cuts, "{told:?}");
}
