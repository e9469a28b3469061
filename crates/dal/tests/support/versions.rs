//! What `migrate` answers on a database without tables.

/// The versions of all migrations, in their order.
pub(crate) fn versions() -> Vec<String> {
    let first = (1..=8).map(|n| format!("2026112300000{n}"));
    first.chain(["20261126000001".to_owned()]).collect()
}
