//! The tasks of a transition as a table `input (id, ord, …)`, with what comes with each.
//!
//! A plan has to fit the next call, too, or Postgres makes one for each, which takes longer than running it. So
//! a single task is a value, of which there is always one, and a list is behind a query, where the planner
//! cannot count it: it then plans to look rows up by their ids.

use std::collections::BTreeSet;

use serde_json::Value;
use taskbox_models::Claim;
use uuid::Uuid;

use crate::queries::{
    Bind, Sql,
    transition::{
        Change, Held, Source,
        source::{Argument, Column},
    },
};

pub(super) fn input<ST>(change: Change<'_>) -> Sql<'_, ST> {
    match change.source {
        Source::Named { tasks, argument } => named(tasks, argument),
        Source::Held([held]) => one_held(held, &change.columns()),
        Source::Held(held) => many_held(held, &change.columns()),
        Source::OfWorker(worker) => Sql::new(
            "WITH input AS MATERIALIZED (
    SELECT task_execution_id AS id, row_number() OVER (ORDER BY task_execution_id) AS ord,
        epoch, worker_id, true AS live
    FROM task_claims WHERE worker_id = ",
        )
        .bind(Bind::Id(worker))
        .text("\n)"),
        // The limit is part of the text, and the range has two ends, so that the planner expects few rows.
        Source::Due { limit } => Sql::new(format!(
            "WITH input AS MATERIALIZED (
    SELECT task_execution_id AS id, row_number() OVER (ORDER BY due_at, task_execution_id) AS ord
    FROM (
        SELECT task_execution_id, due_at FROM task_schedule
        WHERE due_at BETWEEN '-infinity' AND (SELECT clock_timestamp())
        ORDER BY due_at, task_execution_id LIMIT {limit}
    ) due
)"
        )),
        Source::Expired {
            limit,
            max_recoveries,
        } => Sql::new(
            "WITH input AS MATERIALIZED (
    SELECT c.task_execution_id AS id, row_number() OVER () AS ord, c.epoch, c.worker_id, ",
        )
        .bind(Bind::Integer(max_recoveries))
        .text(
            " AS max_recoveries
    FROM task_workers w
    CROSS JOIN LATERAL (SELECT * FROM task_claims WHERE worker_id = w.id OFFSET 0) c
    WHERE w.lease_expires_at <= (SELECT clock_timestamp())
    LIMIT ",
        )
        .bind(Bind::Integer(limit))
        .text("\n)"),
    }
}

pub(super) fn named<'a, ST>(tasks: &'a [Uuid], argument: Argument<'a>) -> Sql<'a, ST> {
    if let [task] = tasks {
        let sql = Sql::new("WITH input AS NOT MATERIALIZED (\n    SELECT ")
            .bind(Bind::Id(*task))
            .text(" AS id, 1 AS ord");
        return argued(sql, argument).guard("\n    WHERE ").text("\n)");
    }
    let sql = Sql::new("WITH input AS MATERIALIZED (\n    SELECT id, ord");
    argued(sql, argument)
        .text("\n    FROM unnest((SELECT ")
        .bind(Bind::Ids(tasks))
        .text(")) WITH ORDINALITY AS input (id, ord)\n)")
}

fn argued<'a, ST>(sql: Sql<'a, ST>, argument: Argument<'a>) -> Sql<'a, ST> {
    match argument {
        Argument::None => sql,
        Argument::DueIn(delay) => sql.text(", ").bind(Bind::Integer(delay)).text(" AS delay"),
        Argument::Reason(reason) => sql.text(", ").bind(Bind::Text(reason)).text(" AS reason"),
    }
}

/// The names of the columns, each after a comma.
fn names(columns: &[Column]) -> String {
    columns
        .iter()
        .flat_map(|column| [", ", column.given()])
        .collect()
}

/// Whether the worker of a claim may still end it. Looked up in the snapshot of the statement and by the time at
/// which it was taken: waiting for a lock afterwards loses nobody the lease.
fn one_held<'a, ST>(held: &'a Held<'a>, columns: &[Column]) -> Sql<'a, ST> {
    let names = names(columns);
    let sql = Sql::new(format!(
        "WITH input AS MATERIALIZED (
    SELECT id, 1 AS ord, epoch, worker_id{names}, EXISTS (
        SELECT FROM task_workers w
        WHERE w.id = input.worker_id AND w.lease_expires_at > clock_timestamp()
    ) AS live
    FROM (VALUES ("
    ))
    .bind(Bind::Id(held.claim.task_execution_id()))
    .text(", ")
    .bind(Bind::Integer(held.claim.epoch()))
    .text(", ")
    .bind(Bind::Id(held.claim.worker_id()));
    let sql = columns.iter().fold(sql, |sql, column| {
        sql.text(", ").bind(match column {
            Column::Delay => Bind::Integer(held.delay),
            Column::Error | Column::Reason => Bind::Text(held.error),
            Column::Output => Bind::Document(held.output),
        })
    });
    sql.text(format!(")) AS input (id, epoch, worker_id{names})"))
        .guard("\n    WHERE ")
        .text("\n)")
}

/// As [`one_held`], with each worker looked up once: most claims of a list are of one.
fn many_held<'a, ST>(held: &'a [Held<'a>], columns: &[Column]) -> Sql<'a, ST> {
    let names = names(columns);
    let claims = || held.iter().map(|held| held.claim);
    let workers: BTreeSet<Uuid> = claims().map(Claim::worker_id).collect();
    let sql = Sql::new(format!(
        "WITH input AS MATERIALIZED (
    SELECT id, ord, epoch, worker_id{names}, worker_id = ANY(ARRAY(
        SELECT w.id FROM task_workers w WHERE w.id = ANY((SELECT "
    ))
    .bind(Bind::OwnedIds(workers.into_iter().collect()))
    .text(
        ")::uuid[]) AND w.lease_expires_at > clock_timestamp()
    )) AS live
    FROM unnest((SELECT ",
    )
    .bind(Bind::OwnedIds(
        claims().map(Claim::task_execution_id).collect(),
    ))
    .text("), (SELECT ")
    .bind(Bind::BigIntegers(claims().map(Claim::epoch).collect()))
    .text("), (SELECT ")
    .bind(Bind::OwnedIds(claims().map(Claim::worker_id).collect()));
    let sql = columns.iter().fold(sql, |sql, column| {
        sql.text("), (SELECT ").bind(match column {
            Column::Delay => Bind::BigIntegers(held.iter().map(|held| held.delay).collect()),
            Column::Error | Column::Reason => {
                Bind::Texts(held.iter().map(|held| held.error).collect())
            }
            Column::Output => Bind::OptionalJson(
                held.iter()
                    .map(|held| held.output)
                    .collect::<Vec<Option<&Value>>>(),
            ),
        })
    });
    sql.text(format!(
        "))
    WITH ORDINALITY AS input (id, epoch, worker_id{names}, ord)\n)"
    ))
}
