//! What a transaction leaves behind, by which the database can be asked later whether it committed.

use uuid::Uuid;

/// An event that a transaction on Postgres wrote, with the transaction's id.
///
/// The id alone would prove nothing: a server that crashes before the transaction reached its log gives the same
/// id to another one, and then answers for that.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "postgres"),
    expect(dead_code, reason = "only Postgres can be asked")
)]
pub(crate) struct Witness {
    pub(crate) transaction_id: i64,
    pub(crate) subject: Subject,
    /// Whether the event can be missing from a transaction that did commit: the program had the connection before,
    /// and may have rolled back to a savepoint.
    pub(crate) revocable: bool,
}

/// Whose event it is.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "postgres"),
    expect(dead_code, reason = "only Postgres can be asked")
)]
pub(crate) enum Subject {
    Task(Uuid),
    Pipeline(Uuid),
}
