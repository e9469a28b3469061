//! The calls that only read.

use taskbox_dal::DAL;
use taskbox_test_support::TestDatabase;

use crate::support::{
    left::assert_nothing_is_held,
    one_thread::on_one_thread,
    poll::{Moment, poll_times},
    read::{Read, Scene, asks_nothing, reads},
};

taskbox_test_support::suite! {
    reads_can_be_dropped_at_any_poll,
    reads_can_be_dropped_at_any_poll_of_one_thread,
}

async fn reads_can_be_dropped_at_any_poll(db: &TestDatabase) {
    drop_reads(db).await;
}

async fn reads_can_be_dropped_at_any_poll_of_one_thread(db: &TestDatabase) {
    on_one_thread(drop_reads(db));
}

async fn drop_reads(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).pool_size(2).connect().await.unwrap();
    let scene = Scene::new(dal).await;
    for (name, read) in reads() {
        for moment in Moment::BOTH {
            // On lucky threads a statement is done at the first poll, and there is nothing to drop.
            while drop_until_done(db, &scene, read, moment).await == 0 {
                if asks_nothing(name, db.backend()) {
                    break;
                }
            }
        }
    }
}

/// Answers how often it was dropped.
async fn drop_until_done(db: &TestDatabase, scene: &Scene, read: Read, moment: Moment) -> usize {
    let mut polls = 0;
    loop {
        polls += 1;
        let done = poll_times(polls, moment, read(scene)).await;
        assert_nothing_is_held(db, &scene.dal).await;
        if let Some(answer) = done {
            answer.unwrap();
            return polls - 1;
        }
    }
}
