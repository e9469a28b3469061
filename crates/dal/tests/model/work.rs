//! What workers do, in a sequence.

use proptest::{collection::vec, prelude::*, sample::select};

/// Which worker: whoever registered last under this number.
pub(crate) type Slot = u8;
pub(crate) const SLOTS: Slot = 2;
/// Which claim of all that were made, counted from the last.
pub(crate) type Back = usize;

#[derive(Clone, Debug)]
pub(crate) enum Work {
    Register(Slot),
    Heartbeat(Slot),
    Deregister(Slot),
    /// From all queues, or from this one.
    Claim(Slot, Option<&'static str>, i64),
    Complete(Back),
    CompleteMany(Vec<Back>),
    Fail(Back),
    /// Later, or at once.
    Retry(Back, bool),
    Defer(Back),
    Release(Back),
}

pub(crate) fn slot() -> impl Strategy<Value = Slot> {
    0..SLOTS
}

pub(crate) fn work() -> impl Strategy<Value = Work> {
    let queue = select(vec![None, None, Some("default"), Some("mail")]);
    prop_oneof![
        2 => slot().prop_map(Work::Register),
        4 => slot().prop_map(Work::Heartbeat),
        1 => slot().prop_map(Work::Deregister),
        11 => (slot(), queue, 0..6_i64)
            .prop_map(|(slot, queue, limit)| Work::Claim(slot, queue, limit)),
        3 => back().prop_map(Work::Complete),
        2 => vec(back(), 0..4).prop_map(Work::CompleteMany),
        2 => back().prop_map(Work::Fail),
        4 => (back(), any::<bool>()).prop_map(|(back, later)| Work::Retry(back, later)),
        1 => back().prop_map(Work::Defer),
        1 => back().prop_map(Work::Release),
    ]
}

/// Mostly one that may still count.
fn back() -> impl Strategy<Value = Back> {
    0..5_usize
}

/// Where it is in a list of this length.
pub(crate) fn place(length: usize, back: Back) -> Option<usize> {
    length.checked_sub(1)?.checked_sub(back)
}
