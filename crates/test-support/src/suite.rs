/// Mounts the tests of a file on both backends, as `postgres::…` and `sqlite::…`.
///
/// Each name is an `async fn(db: &TestDatabase)` of the same module, run by [`run`](crate::run()):
/// ```
/// use taskbox_test_support::TestDatabase;
///
/// async fn a_new_database_has_no_tasks(db: &TestDatabase) {
///     assert_eq!(db.query_i64("SELECT count(*) FROM task_executions").await, 0);
/// }
///
/// taskbox_test_support::suite! { a_new_database_has_no_tasks }
/// ```
/// A file with tests that are about one backend, or about a database without tables (those run by
/// [`run_empty`](crate::run_empty)), or about a Postgres server that goes away (those run by
/// [`run_alone`](crate::run_alone)), or whose disk is full ([`run_cramped`](crate::run_cramped)), names its parts, of which
/// each may be left out, in this order:
/// `suite! { both: [a, b], empty: [c], postgres: [d], alone: [e], cramped: [f], sqlite: [g] }`. Attributes before a name, such as
/// `#[ignore = "…"]`, go to the test.
#[macro_export]
macro_rules! suite {
    (
        $(both: [$($(#[$both_meta:meta])* $both:ident),* $(,)?] $(,)?)?
        $(empty: [$($(#[$empty_meta:meta])* $empty:ident),* $(,)?] $(,)?)?
        $(postgres: [$($(#[$postgres_meta:meta])* $postgres:ident),* $(,)?] $(,)?)?
        $(alone: [$($(#[$alone_meta:meta])* $alone:ident),* $(,)?] $(,)?)?
        $(cramped: [$($(#[$cramped_meta:meta])* $cramped:ident),* $(,)?] $(,)?)?
        $(sqlite: [$($(#[$sqlite_meta:meta])* $sqlite:ident),* $(,)?] $(,)?)?
    ) => {
        mod postgres {
            $crate::__tests! { run, Postgres, $($($(#[$both_meta])* $both)*)? }
            $crate::__tests! { run_empty, Postgres, $($($(#[$empty_meta])* $empty)*)? }
            $crate::__tests! { run, Postgres, $($($(#[$postgres_meta])* $postgres)*)? }
            $crate::__tests! { run_alone, Postgres, $($($(#[$alone_meta])* $alone)*)? }
            $crate::__tests! { run_cramped, Postgres, $($($(#[$cramped_meta])* $cramped)*)? }
        }
        mod sqlite {
            $crate::__tests! { run, Sqlite, $($($(#[$both_meta])* $both)*)? }
            $crate::__tests! { run_empty, Sqlite, $($($(#[$empty_meta])* $empty)*)? }
            $crate::__tests! { run, Sqlite, $($($(#[$sqlite_meta])* $sqlite)*)? }
        }
    };
    ($($(#[$meta:meta])* $test:ident),+ $(,)?) => {
        $crate::suite! { both: [$($(#[$meta])* $test),+] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ($run:ident, $backend:ident, $($(#[$meta:meta])* $test:ident)*) => {
        $(
            #[test]
            $(#[$meta])*
            fn $test() {
                $crate::$run($crate::Backend::$backend, super::$test);
            }
        )*
    };
}
