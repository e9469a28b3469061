//! The calls that only read.

use taskbox_dal::DAL;
use taskbox_test_support::TestDatabase;
use tokio::time::timeout;

use super::{DEADLINE, GRACE, place::places};
use crate::support::{
    proxy::{Cut, Proxy, Since},
    read::{Read, Scene, asks_nothing, reads},
};

taskbox_test_support::suite! { postgres: [a_read_is_answered_or_says_that_it_may_be_made_again] }

/// Loses the warm connection of each read at every message, of either side: before it, in the middle of it, and after it.
async fn a_read_is_answered_or_says_that_it_may_be_made_again(db: &TestDatabase) {
    let proxy = Proxy::before(&db.url());
    let dal = DAL::builder(proxy.url()).deadline(DEADLINE).pool_size(1);
    let scene = Scene::new(dal.connect().await.unwrap()).await;
    for (name, read) in reads() {
        if !asks_nothing(name, db.backend()) {
            cut_everywhere(&proxy, &scene, name, read).await;
        }
    }
}

async fn cut_everywhere(proxy: &Proxy, scene: &Scene, name: &str, read: Read) {
    read(scene).await.unwrap();
    proxy.cut_each([(Since::Message, Cut::NOWHERE)]);
    read(scene).await.unwrap();
    let (_, seen) = proxy.seen();
    let mut failures = 0;
    for place in places(seen) {
        proxy.cut_each([(Since::Message, place.cut)]);
        let answer = timeout(DEADLINE + GRACE, read(scene)).await;
        let answer = answer.expect("the call ends in time");
        let what = format!("{name}, {:?}: {answer:?}", place.cut);
        assert!(proxy.seen().0, "{what}: nothing was lost");
        if let Err(error) = answer {
            assert!(error.is_transient(), "{what}");
            failures += 1;
        } else {
            // Nobody knows yet that the connection is lost.
            let _ = read(scene).await;
        }
        read(scene).await.unwrap();
    }
    assert!(failures > 0, "{name}");
}
