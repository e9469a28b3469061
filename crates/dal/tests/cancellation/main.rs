//! A future that is dropped at any poll leaves no transaction, no lock and no lost place in the pool behind; and within a
//! transaction it takes that with it.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

/// Mounts the test of each operation on many threads, and for `SQLite`, whose statements have threads of their own, on one,
/// too.
macro_rules! droppable {
    (both, $drop:path; $($test:ident: $operation:expr;)*) => {
        droppable! { on_many_threads, both, $drop, std::convert::identity; $($test: $operation;)* }
        droppable! {
            on_one_thread, sqlite, $drop, |drops| std::future::ready(crate::support::one_thread::on_one_thread(drops));
            $($test: $operation;)*
        }
    };
    (postgres, $drop:path; $($test:ident: $operation:expr;)*) => {
        droppable! { on_many_threads, postgres, $drop, std::convert::identity; $($test: $operation;)* }
    };
    ($module:ident, $backends:ident, $drop:path, $run:expr; $($test:ident: $operation:expr;)*) => {
        mod $module {
            use taskbox_test_support::TestDatabase;

            use super::*;

            taskbox_test_support::suite! { $backends: [$($test),*] }

            $(
                async fn $test(db: &TestDatabase) {
                    let run = $run;
                    run($drop(db, $operation)).await;
                }
            )*
        }
    };
}

mod broken_off;
mod by_hand;
mod by_worker;
mod every;
mod read;
mod transaction;
mod within;

#[path = "../support"]
mod support {
    pub(crate) mod accessors;
    pub(crate) mod attempt;
    pub(crate) mod left;
    pub(crate) mod one_thread;
    pub(crate) mod operation;
    pub(crate) mod orders;
    pub(crate) mod own_sql;
    pub(crate) mod poll;
    pub(crate) mod prepared;
    pub(crate) mod read;
}
