//! A Postgres server that is stopped and killed under those who use it.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_test_support::TestDatabase;

use crate::{hold_connections, support::task, traffic::Traffic};

taskbox_test_support::suite! {
    alone: [what_was_committed_outlives_a_server_that_is_stopped_and_killed],
}

const CONNECTIONS: usize = 4;
/// More than there are connections.
const DRIVERS: usize = 6;
const ANSWERS: usize = 60;

async fn what_was_committed_outlives_a_server_that_is_stopped_and_killed(db: &TestDatabase) {
    let server = db.own_server();
    db.execute("CREATE TABLE ledger (task TEXT)").await;
    let dal = DAL::builder(db.url()).pool_size(CONNECTIONS);
    let dal = dal.lease(Duration::from_hours(1)).connect().await.unwrap();
    let mut traffic = Traffic::start(&dal, DRIVERS).await;
    for is_killed in [false, true] {
        traffic.is_answered(ANSWERS).await;
        if is_killed {
            server.kill().await;
        } else {
            server.stop().await;
        }
        traffic.is_in_trouble().await;
        server.start_again().await;
        task::create(&dal).await;
    }
    traffic.is_answered(ANSWERS).await;
    for driven in traffic.stop().await {
        driven.is_as_it_was_answered(&dal, db).await;
    }
    hold_connections(&dal, CONNECTIONS).await;
}
