//! From where on a reader has to look.

use serde::{Deserialize, Serialize};

/// More than that are needed by nothing but a transaction that is open for long; then every second one will do.
#[cfg(feature = "postgres")]
const MOST: usize = 32;

/// Ids, each with what it is good for: the oldest first.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Marks(Vec<Mark>);

/// Whatever transaction has this number or a higher one wrote its events behind this id.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Mark {
    pub(super) transaction: i64,
    pub(super) id: i64,
}

#[cfg(feature = "postgres")]
impl Marks {
    /// Adds one that is later than all others.
    pub(super) fn push(&mut self, mark: Mark) {
        if self.0.len() >= MOST {
            let mut is_kept = false;
            self.0.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
        self.0.push(mark);
    }

    /// The id before which no transaction from this one on wrote anything, as far as is known.
    pub(super) fn before(&self, transaction: i64) -> i64 {
        self.find(transaction).map_or(0, |mark| mark.id)
    }

    /// The last id of all, 0 if there is none.
    pub(super) fn last(&self) -> i64 {
        self.0.last().map_or(0, |mark| mark.id)
    }

    /// Forgets those that are of no use, since no transaction before this one is looked for any more.
    pub(super) fn forget_before(&mut self, transaction: i64) {
        if let Some(needed) = self.find(transaction) {
            self.0.retain(|mark| mark.transaction >= needed.transaction);
        }
    }

    fn find(&self, transaction: i64) -> Option<Mark> {
        let is_good = |mark: &&Mark| mark.transaction <= transaction;
        self.0.iter().rfind(is_good).copied()
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::{MOST, Mark, Marks};

    /// Of a transaction each, with ten times its number as the id.
    fn marks(transactions: impl IntoIterator<Item = i64>) -> Marks {
        let mut marks = Marks::default();
        for transaction in transactions {
            let id = transaction * 10;
            marks.push(Mark { transaction, id });
        }
        marks
    }

    #[test]
    fn a_mark_holds_for_its_transaction_and_those_after_it() {
        let marks = marks([3, 5]);
        let before = [2, 3, 4, 5, 6].map(|transaction| marks.before(transaction));
        assert_eq!(before, [0, 30, 30, 50, 50]);
        assert_eq!(marks.last(), 50);
        assert_eq!(Marks::default().last(), 0);
    }

    #[test]
    fn the_mark_that_is_still_needed_is_kept() {
        for (transaction, left) in [
            (2, vec![3, 5, 7]),
            (5, vec![5, 7]),
            (6, vec![5, 7]),
            (9, vec![7]),
        ] {
            let mut some = marks([3, 5, 7]);
            some.forget_before(transaction);
            assert_eq!(some, marks(left), "before {transaction}");
        }
    }

    #[test]
    fn there_are_never_many_and_the_first_and_the_last_stay() {
        for last in 1..1_000 {
            let many = marks(1..=last);
            assert!(many.0.len() <= MOST);
            assert_eq!((many.before(1), many.last()), (10, last * 10));
        }
    }
}
