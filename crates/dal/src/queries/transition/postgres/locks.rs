//! The locks of a transition: the pipelines first, then the tasks, each in the order of their ids.

use taskbox_models::{PipelineStatus, Rule};
use taskbox_schema::sql_types;
use uuid::Uuid;

use crate::queries::{
    Sql,
    transition::{
        Change, Source, parts,
        source::{Argument, Column},
    },
};

use super::input;

/// Their ids are a materialised list, so that they are looked up by the tasks of the call. Joined, the planner
/// likes to go from a pipeline to all of its tasks.
fn graphs(which: &str) -> String {
    format!(
        ",
graphs AS MATERIALIZED (
    SELECT DISTINCT t.pipeline_execution_id AS id FROM task_executions t JOIN input USING (id)
    WHERE t.pipeline_execution_id IS NOT NULL{which}
)"
    )
}

/// Of tasks that the statement finds itself the planner has a number in mind, by which it likes to read all tasks. It
/// expects few of an array, whatever is in it.
fn looked_up(source: Source<'_>) -> &'static str {
    match source {
        Source::Named { .. } | Source::Held(_) => "",
        Source::OfWorker(_) | Source::Due { .. } | Source::Expired { .. } => {
            " AND t.id = ANY(ARRAY(SELECT id FROM input))"
        }
    }
}

/// What a transition of which a pipeline may have to start does about that.
///
/// A start happens once in the life of a pipeline, and saying how takes longer than all the rest. So the statement without
/// it comes first: it moves nothing if a pipeline has to start, and then the other follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Start the pipelines that have not begun.
    Pipelines,
    /// Move nothing if one has not begun.
    Nothing,
}

impl Start {
    /// What to try first.
    pub(super) fn first(rule: &Rule) -> Self {
        if Self::is_all(rule) {
            Self::Nothing
        } else {
            Self::Pipelines
        }
    }

    /// Whether a start is all that the rule does to a pipeline.
    pub(super) fn is_all(rule: &Rule) -> bool {
        rule.leaves_not_started() && !rule.may_end()
    }
}

/// Locks the pipelines: as their graph's mutex if a counter or the status will change, else only against
/// being paused or cancelled meanwhile.
pub(super) fn pipelines(change: Change<'_>, start: Start) -> String {
    let Change { rule, source } = change;
    if let Source::Expired { .. } = source {
        return pipelines_of_expired(source);
    }
    let graphs = graphs(looked_up(source));
    let counts = rule.may_end() || rule.brings_back();
    let starts = Start::is_all(rule) && start == Start::Pipelines;
    let (starting, after) = if starts {
        (lock_starting(), "starting")
    } else {
        (String::new(), "")
    };
    let lock = match source {
        _ if counts => "NO KEY UPDATE",
        // Nobody waits for those either: who pauses a pipeline would hold up every claim.
        Source::Due { .. } => "KEY SHARE SKIP LOCKED",
        _ => "KEY SHARE",
    };
    graphs + &starting + &lock_pipelines(after, lock)
}

/// Locks the pipelines that have not begun.
fn lock_starting() -> String {
    let pending = PipelineStatus::Pending;
    format!(
        ",
starting AS MATERIALIZED (
    SELECT p.id FROM pipeline_executions p
    WHERE p.status = '{pending}' AND p.id = ANY(ARRAY(SELECT id FROM graphs))
    ORDER BY p.id FOR NO KEY UPDATE
)"
    )
}

/// Locks the pipelines, after another part of the statement if one is named.
fn lock_pipelines(after: &str, lock: &str) -> String {
    let after = if after.is_empty() {
        String::new()
    } else {
        format!(" AND (SELECT count(*) FROM {after}) >= 0")
    };
    format!(
        ",
pipelines AS MATERIALIZED (
    SELECT p.id, p.status FROM pipeline_executions p
    WHERE p.id = ANY(ARRAY(SELECT id FROM graphs)){after}
    ORDER BY p.id FOR {lock}
)"
    )
}

/// The pipelines of tasks of dead workers, for which nobody waits: a transaction that hangs would hold up the tasks of all
/// others. Those of tasks that will fail, which count, are locked apart, so that the others are not passed over wherever
/// somebody completes a task.
fn pipelines_of_expired(source: Source<'_>) -> String {
    let lookup = looked_up(source);
    format!(
        "{},
counting AS MATERIALIZED (
    SELECT p.id FROM pipeline_executions p
    WHERE p.id = ANY(ARRAY(
        SELECT t.pipeline_execution_id FROM task_executions t JOIN input USING (id)
        WHERE t.recoveries >= input.max_recoveries{lookup}
    ))
    ORDER BY p.id FOR NO KEY UPDATE SKIP LOCKED
){}",
        graphs(lookup),
        lock_pipelines("counting", "KEY SHARE SKIP LOCKED")
    )
}

/// What else a task of a dead worker must fulfil: its worker is still dead, and its pipeline was not passed over.
pub(super) fn recovers(source: Source<'_>) -> String {
    if !matches!(source, Source::Expired { .. }) {
        return String::new();
    }
    let ended = parts::ended();
    format!(
        " AND input.worker_id IN (SELECT id FROM expired)
        AND (
            t.pipeline_execution_id IS NULL
            OR t.pipeline_execution_id IN (SELECT id FROM pipelines)
            AND (input.next NOT IN ({ended}) OR t.pipeline_execution_id IN (SELECT id FROM counting))
        )"
    )
}

/// Locks the tasks, reads where they are, and decides which of them go and where.
pub(super) fn tasks(change: Change<'_>, start: Start) -> String {
    let Change { rule, source } = change;
    let from = parts::list(rule.from);
    let guard = parts::guard(rule);
    let (live_row, fence, lock) = match source {
        Source::Named { .. } => ("", "", "NO KEY UPDATE OF t"),
        Source::Held(_) | Source::OfWorker(_) => (
            "",
            " AND input.live AND t.epoch = input.epoch",
            "NO KEY UPDATE OF t",
        ),
        Source::Due { .. } => (
            "
    JOIN task_schedule l ON l.task_execution_id = t.id AND l.due_at <= clock_timestamp()
        AND (
            t.pipeline_execution_id IS NULL
            OR t.pipeline_execution_id IN (SELECT id FROM pipelines)
        )",
            "",
            "NO KEY UPDATE OF t SKIP LOCKED FOR UPDATE OF l SKIP LOCKED",
        ),
        Source::Expired { .. } => (
            "
    JOIN task_claims l ON l.task_execution_id = t.id AND l.epoch = input.epoch",
            "",
            "NO KEY UPDATE OF t SKIP LOCKED FOR UPDATE OF l SKIP LOCKED",
        ),
    };
    // Either way every pipeline is locked before the first task.
    let pipelines = if Start::is_all(rule) && start == Start::Nothing {
        let pending = PipelineStatus::Pending;
        format!("NOT EXISTS (SELECT FROM pipelines WHERE status = '{pending}')")
    } else {
        "(SELECT count(*) FROM pipelines) >= 0".to_owned()
    };
    let (columns, lookup) = (columns(change), looked_up(source));
    let next = if rule.outcomes.len() == 1 {
        String::new()
    } else {
        format!(", {} AS next", parts::next_status(rule))
    };
    format!(
        ",
locked AS MATERIALIZED (
    SELECT t.id, t.status, input.ord, t.status IN ({from}){guard}{fence} AS goes{columns}{next}
    FROM input JOIN task_executions t USING (id){live_row}
    WHERE {pipelines}{lookup}
    ORDER BY t.id FOR {lock}
){}",
        expired_workers(source)
    )
}

/// What comes with the tasks, each after a comma.
fn columns(change: Change<'_>) -> String {
    let columns = change.columns().into_iter().map(|column| match column {
        Column::Delay => {
            ", clock_timestamp() + input.delay * interval '1 microsecond' AS due_at".to_owned()
        }
        _ => format!(", input.{}", column.given()),
    });
    columns.collect::<Vec<_>>().concat() + worker(change.source)
}

/// The worker that a task is taken from.
pub(super) const fn worker(source: Source<'_>) -> &'static str {
    match source {
        Source::Expired { .. } => ", input.worker_id",
        _ => "",
    }
}

/// Locks the workers, who may have renewed their lease meanwhile; last, so that nobody who waits for them holds
/// anything that is still needed.
fn expired_workers(source: Source<'_>) -> &'static str {
    match source {
        Source::Expired { .. } => {
            ",
expired AS MATERIALIZED (
    SELECT w.id FROM task_workers w
    WHERE w.id IN (SELECT worker_id FROM locked) AND w.lease_expires_at <= clock_timestamp()
    ORDER BY w.id FOR UPDATE SKIP LOCKED
)"
        }
        _ => "",
    }
}

/// The locks of tasks that the caller names, and of their pipelines, by themselves.
pub(crate) fn named_statement(tasks: &[Uuid]) -> Sql<'_, sql_types::Uuid> {
    input::named(tasks, Argument::None).text(format!(
        "{}{}
SELECT t.id FROM input JOIN task_executions t USING (id)
WHERE (SELECT count(*) FROM pipelines) >= 0
ORDER BY t.id FOR NO KEY UPDATE OF t",
        graphs(""),
        lock_pipelines("", "NO KEY UPDATE")
    ))
}
