//! Where the outbox begins, so that claims need not look for it.
//!
//! A row that was claimed leaves a dead entry in the index, which every claim reads past until no open snapshot can see
//! it any more: with one open for minutes, that is all that was claimed since. So the process remembers where its
//! last claim found the first row of each priority. It is a hint: rows before it may be there, of transactions that
//! took their number early and committed late, or that claimed and rolled back. They are found by a claim that looks
//! everywhere, which is each that finds nothing else, and at least one in a while.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long rows before the hint can be overlooked while there are others to claim.
const LOOK_EVERYWHERE: Duration = Duration::from_secs(1);
/// How many numbers the head has to move before it is worth a hint.
const WORTHWHILE: i64 = 100;
/// The most priorities that are remembered of one scope, and the most queues that a scope can have.
const MAX_LEVELS: usize = 3;
const MAX_QUEUES: usize = 8;
/// The most scopes that are remembered.
const MAX_SCOPES: usize = 100;

/// The queues of a claim; `None` for all.
type Scope = Option<Vec<String>>;

/// What this process knows, by scope.
#[derive(Debug, Default)]
pub(crate) struct Heads(Mutex<HashMap<Scope, Head>>);

#[derive(Debug)]
struct Head {
    looked_everywhere: Instant,
    /// By priority.
    levels: BTreeMap<i32, Level>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// The first row that was ever claimed here.
    base: i64,
    /// The first row of the last claim.
    first: i64,
}

/// A part of the outbox that may hold rows: priorities, and from which row on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    Above(i32),
    Between(i32, i32),
    Below(i32),
    From { priority: i32, row: i64 },
}

impl Heads {
    /// Where to look, highest priorities first; `None` for everywhere.
    pub(super) fn ranges(&self, queues: Option<&[String]>) -> Option<Vec<Range>> {
        if queues.is_some_and(|queues| queues.len() > MAX_QUEUES) {
            return None;
        }
        let heads = self.heads();
        let head = heads.get(&queues.map(<[String]>::to_vec))?;
        if head.looked_everywhere.elapsed() >= LOOK_EVERYWHERE {
            return None;
        }
        let known: Vec<_> = head.levels.iter().rev().collect();
        let moved = |(_, level): &(&i32, &Level)| level.first - level.base >= WORTHWHILE;
        known.iter().any(moved).then(|| ranges(&known))
    }

    /// Remembers where a claim found its first rows, of which each is a priority and a number.
    pub(super) fn learn(
        &self,
        queues: Option<&[String]>,
        everywhere: bool,
        rows: impl Iterator<Item = (i32, i64)>,
    ) {
        let mut heads = self.heads();
        if heads.len() > MAX_SCOPES {
            heads.clear();
        }
        let now = Instant::now();
        let head = heads
            .entry(queues.map(<[String]>::to_vec))
            .or_insert_with(|| Head {
                looked_everywhere: now,
                levels: BTreeMap::new(),
            });
        if everywhere {
            head.looked_everywhere = now;
        }
        let mut before = None;
        for (priority, row) in rows {
            if before.replace(priority) != Some(priority) {
                let level = head.levels.entry(priority);
                let level = level.or_insert(Level {
                    base: row,
                    first: row,
                });
                level.first = row;
            }
        }
        while head.levels.len() > MAX_LEVELS {
            head.levels.pop_first();
        }
    }

    fn heads(&self) -> MutexGuard<'_, HashMap<Scope, Head>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every priority is in one range.
fn ranges(known: &[(&i32, &Level)]) -> Vec<Range> {
    let mut ranges = Vec::with_capacity(2 * known.len() + 1);
    let mut above: Option<i32> = None;
    for (priority, level) in known {
        let priority = **priority;
        ranges.push(above.map_or(Range::Above(priority), |above| {
            Range::Between(above, priority)
        }));
        let row = level.first;
        ranges.push(Range::From { priority, row });
        above = Some(priority);
    }
    ranges.extend(above.map(Range::Below));
    ranges
}

#[cfg(test)]
mod tests {
    use super::{Heads, Range};

    fn learned(rows: &[&[(i32, i64)]]) -> Heads {
        let heads = Heads::default();
        for rows in rows {
            heads.learn(None, true, rows.iter().copied());
        }
        heads
    }

    #[test]
    fn a_head_that_has_hardly_moved_is_no_hint() {
        assert_eq!(Heads::default().ranges(None), None);
        let heads = learned(&[&[(0, 1), (0, 2)], &[(0, 100), (0, 101)]]);
        assert_eq!(heads.ranges(None), None);
    }

    #[test]
    fn the_ranges_hold_every_priority_and_begin_at_the_first_row_of_the_last_claim() {
        let heads = learned(&[&[(5, 1), (0, 2)], &[(5, 300), (5, 301), (0, 200)]]);
        let expected = vec![
            Range::Above(5),
            Range::From {
                priority: 5,
                row: 300,
            },
            Range::Between(5, 0),
            Range::From {
                priority: 0,
                row: 200,
            },
            Range::Below(0),
        ];
        assert_eq!(heads.ranges(None), Some(expected));
    }

    #[test]
    fn queues_have_heads_of_their_own() {
        let heads = learned(&[&[(0, 1)], &[(0, 300)]]);
        assert_eq!(heads.ranges(Some(&["mail".to_owned()])), None);
        assert!(heads.ranges(None).is_some());
    }

    #[test]
    fn a_head_can_go_back() {
        let heads = learned(&[&[(0, 1)], &[(0, 300)], &[(0, 2)]]);
        assert_eq!(heads.ranges(None), None);
    }
}
