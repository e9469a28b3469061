//! What may be told of an operation whose connection was lost, and what is.

use taskbox_dal::{Error, Result};

/// What is known of an operation whose connection was lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    /// Whether it leaves an event that is known, so that the server can be asked. Otherwise the caller is told that it is
    /// unknown.
    pub(super) is_asked: bool,
    /// Whether it passes over what others hold. The session of a lost connection may be one of them, for a moment.
    pub(super) passes_over: bool,
    /// Whether each call makes something new.
    pub(super) makes_anew: bool,
}

impl Fate {
    pub(super) const ASKED: Self = Self {
        is_asked: true,
        passes_over: false,
        makes_anew: false,
    };
    pub(super) const UNKNOWN: Self = Self {
        is_asked: false,
        ..Self::ASKED
    };

    pub(super) const fn passing_over(self) -> Self {
        Self {
            passes_over: true,
            ..self
        }
    }

    pub(super) const fn making_anew(self) -> Self {
        Self {
            makes_anew: true,
            ..self
        }
    }
}

/// What the callers were told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) cuts: usize,
    pub(super) done: usize,
    pub(super) not_done: usize,
    unknown_and_done: usize,
    unknown_and_not: usize,
}

impl Told {
    pub(super) fn count(&mut self, answer: &Result<()>, is_done: bool) {
        self.cuts += 1;
        *match (answer, is_done) {
            (Ok(()), _) => &mut self.done,
            (Err(Error::CommitUnknown { .. }), true) => &mut self.unknown_and_done,
            (Err(Error::CommitUnknown { .. }), false) => &mut self.unknown_and_not,
            (Err(_), _) => &mut self.not_done,
        } += 1;
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            cuts: self.cuts + other.cuts,
            done: self.done + other.done,
            not_done: self.not_done + other.not_done,
            unknown_and_done: self.unknown_and_done + other.unknown_and_done,
            unknown_and_not: self.unknown_and_not + other.unknown_and_not,
        }
    }

    /// Nobody says that it is unknown what can be asked, and what cannot was lost in both ways.
    pub(super) fn assert_honest(self, fate: Fate) {
        let unknown = [self.unknown_and_done, self.unknown_and_not];
        if fate.is_asked {
            assert_eq!(unknown, [0, 0], "{self:?}");
            assert!(self.done > 0, "{self:?}");
        } else {
            assert!(!unknown.contains(&0), "{self:?}");
        }
    }
}
