//! A runtime that has one thread, on which nothing else goes on meanwhile.

use std::{future::Future, thread};

use tokio::runtime;

/// Runs the future on a current-thread runtime of its own.
pub(crate) fn on_one_thread<F: Future<Output = ()> + Send>(future: F) {
    let block_on = || {
        let mut runtime = runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(future);
    };
    thread::scope(|scope| scope.spawn(block_on).join()).unwrap();
}
