//! Databases that cannot be used for a while: every call ends, with an error that says why, what was committed is there,
//! and the same `DAL` works again by itself.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod crowd;
mod full_disk;
mod locked_file;
mod process;
mod processes;
mod read_only;
mod traffic;

#[path = "../support"]
mod support {
    pub(crate) mod one_thread;
    pub(crate) mod orders;
    pub(crate) mod own_sql;
    pub(crate) mod task;
}

use futures_util::future::try_join_all;
use taskbox_dal::{DAL, Error};
use tokio::sync::Barrier;

/// Holds so many connections of the pool at once: none of them is lost.
async fn hold_connections(dal: &DAL, number: usize) {
    let all_have_one = Barrier::new(number);
    let holders = (0..number).map(|_| {
        dal.transaction_with_retry(async |_tx| {
            all_have_one.wait().await;
            Ok::<_, Error>(())
        })
    });
    try_join_all(holders).await.unwrap();
}
