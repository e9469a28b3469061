//! How far a transaction got by its closure.

use std::time::Duration;

use crate::{Result, Tx, backend::Ended, witness::Witness};

/// What is left to know of a transaction once its closure is through.
pub(super) struct End {
    pub(super) witness: Option<Witness>,
    /// In how long something is ready that was not before.
    pub(super) ready_in: Option<Duration>,
    pub(super) reached: Reached,
    /// Whether its last statement committed.
    pub(super) ended: Ended,
    /// Whether the program was given the connection, and may have set something on it.
    pub(super) lent: bool,
    /// Whether a statement failed for that; of those of the program itself that is not known.
    pub(super) may_be_read_only: bool,
    pub(super) committable: Result<()>,
}

impl End {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "ends the borrow of the connection"
    )]
    pub(super) fn of(tx: Tx<'_>) -> Self {
        Self {
            witness: tx.witness,
            ready_in: tx.ready_in,
            reached: Reached::of(&tx),
            ended: tx.connection.ended(),
            lent: tx.lent,
            may_be_read_only: tx.lent || tx.was_read_only,
            committable: tx.committable(),
        }
    }
}

/// How far a transaction got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// To no statement, so that it did not begin.
    Nothing,
    /// To the answers of all operations.
    Answers,
    /// To an operation that was not awaited to its end.
    Question,
}

impl Reached {
    fn of(tx: &Tx<'_>) -> Self {
        if tx.connection.is_to_begin() {
            Self::Nothing
        } else if tx.unfinished.is_some() {
            Self::Question
        } else {
            Self::Answers
        }
    }
}
