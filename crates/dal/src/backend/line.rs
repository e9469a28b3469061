//! A connection on which a transaction may still have to begin, and may end.

/// A borrowed connection, and whether a transaction begins on it together with its first statement, and not before it: that
/// saves a round trip on Postgres, and on `SQLite` a way to the connection's thread and back.
#[expect(unnameable_types, reason = "in the signatures of sealed traits")]
pub struct Line<'c, C> {
    pub(super) connection: &'c mut C,
    pub(super) is_to_begin: bool,
    /// Of a transaction that ends together with its last statements.
    #[cfg(feature = "sqlite")]
    pub(super) ending: Option<super::sqlite::Ending>,
}

impl<'c, C> Line<'c, C> {
    /// For statements each of its own, or in a transaction that has begun.
    pub(crate) fn new(connection: &'c mut C) -> Self {
        Self {
            connection,
            is_to_begin: false,
            #[cfg(feature = "sqlite")]
            ending: None,
        }
    }

    pub(crate) fn begins_with_first(&mut self) {
        self.is_to_begin = true;
    }

    /// Whether nothing was sent yet of a transaction that is to begin.
    pub(crate) fn is_to_begin(&self) -> bool {
        self.is_to_begin
    }

    /// The connection as it is, for what is no statement.
    pub(crate) fn as_it_is(&mut self) -> &mut C {
        self.connection
    }
}
