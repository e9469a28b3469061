//! Which tasks a transition is to move, and how it finds them.

use std::{collections::HashSet, time::Duration};

use diesel::sql_types::Nullable;
use serde_json::Value;
use taskbox_models::{Change as RowChange, Claim, Field, Rule};
use taskbox_schema::sql_types;
use uuid::Uuid;

use crate::{Error, Result, limits::MAX_DELAY};

/// A transition of some tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) rule: &'static Rule,
    pub(crate) source: Source<'a>,
}

/// Where the tasks come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// The caller names them, none of them twice.
    Named {
        tasks: &'a [Uuid],
        argument: Argument<'a>,
    },
    /// The caller has their claims.
    Held(&'a [Held<'a>]),
    /// All that a worker holds.
    OfWorker(Uuid),
    /// Scheduled tasks whose time has come, the earliest first.
    Due { limit: i64 },
    /// Running tasks of workers whose lease has expired.
    Expired { limit: i64, max_recoveries: i64 },
}

/// What a rule needs beside the tasks that the caller names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument<'a> {
    None,
    /// In how many microseconds the tasks become ready.
    DueIn(i64),
    Reason(&'a str),
}

/// The end of an attempt, by who holds the claim. What the rule does not ask for is not looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    pub(crate) claim: &'a Claim,
    pub(crate) output: Option<&'a Value>,
    pub(crate) error: &'a str,
    /// In how many microseconds the task becomes ready again.
    pub(crate) delay: i64,
}

impl<'a> Held<'a> {
    pub(crate) fn new(claim: &'a Claim) -> Self {
        Self {
            claim,
            output: None,
            error: "",
            delay: 0,
        }
    }
}

/// Which ready tasks to take, and for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick<'a> {
    pub(crate) worker: Uuid,
    pub(crate) limit: i64,
    /// From these queues; `None` for all.
    pub(crate) queues: Option<&'a [String]>,
    /// Whether to take nothing while scheduled tasks are due, which may be more urgent.
    pub(crate) unless_due: bool,
}

/// What a [`Claim`] is read from.
pub(crate) type ClaimRow = (
    sql_types::Uuid,
    Nullable<sql_types::Uuid>,
    sql_types::Text,
    Nullable<sql_types::Jsonb>,
    sql_types::Int4,
    sql_types::Int8,
    sql_types::Uuid,
    Nullable<sql_types::Jsonb>,
);

impl Source<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Named { tasks, .. } => tasks.is_empty(),
            Self::Held(held) => held.is_empty(),
            Self::OfWorker(_) => false,
            Self::Due { limit } | Self::Expired { limit, .. } => *limit == 0,
        }
    }

    /// In how long the first of the tasks is due, if they are put off.
    pub(crate) fn least_delay(&self) -> Duration {
        let microseconds = match self {
            Self::Named {
                argument: Argument::DueIn(delay),
                ..
            } => *delay,
            Self::Held(held) => held.iter().map(|held| held.delay).min().unwrap_or_default(),
            Self::Named { .. } | Self::OfWorker(_) | Self::Due { .. } | Self::Expired { .. } => 0,
        };
        Duration::from_micros(u64::try_from(microseconds).unwrap_or_default())
    }
}

impl Change<'_> {
    /// What the events and rows need of each task beside its own row.
    pub(crate) fn columns(&self) -> Vec<Column> {
        let says = |field| self.rule.says(field);
        let sets_output =
            |outcome: &taskbox_models::Outcome| outcome.changes.contains(&RowChange::SetOutput);
        [
            (Column::Delay, says(Field::DueAt)),
            (Column::Error, says(Field::Error)),
            (Column::Reason, says(Field::Reason)),
            (Column::Output, self.rule.outcomes.iter().any(sets_output)),
        ]
        .into_iter()
        .filter_map(|(column, needed)| needed.then_some(column))
        .collect()
    }
}

/// An argument that comes with each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// In how many microseconds the task becomes ready.
    Delay,
    Error,
    Reason,
    Output,
}

impl Column {
    /// Its name in the list of the call.
    pub(crate) const fn given(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Error => "error",
            Self::Reason => "reason",
            Self::Output => "output",
        }
    }

    /// Its name once the clock was asked.
    pub(crate) const fn kept(self) -> &'static str {
        match self {
            Self::Delay => "due_at",
            Self::Error | Self::Reason | Self::Output => self.given(),
        }
    }
}

/// A delay as the databases count it; `what` is the name of the argument.
pub(crate) fn microseconds(what: &'static str, delay: Duration) -> Result<i64> {
    if delay > MAX_DELAY {
        return Err(Error::invalid(what, "is longer than a century"));
    }
    i64::try_from(delay.as_micros()).map_err(|_| Error::invalid(what, "is longer than a century"))
}

/// The values without repetitions, in the order given.
pub(crate) fn distinct<T: Copy, K: Eq + std::hash::Hash>(
    values: impl IntoIterator<Item = T>,
    key: impl Fn(T) -> K,
) -> Vec<T> {
    let mut seen = HashSet::new();
    values
        .into_iter()
        .filter(|value| seen.insert(key(*value)))
        .collect()
}
