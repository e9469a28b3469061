//! The first statement of a transition: where the tasks are, and which of them go where.

use diesel::{
    QueryResult, RunQueryDsl, SqliteConnection,
    sql_types::{BigInt, Bool, Nullable, Text},
};
use serde_json::Value;
use taskbox_models::{PipelineStatus, Rule, TaskStatus};
use taskbox_schema::sql_types;
use uuid::Uuid;

use super::{
    super::{
        Change, Outcome, Source, parts,
        source::{Argument, Column, Held},
    },
    NOW,
    input::Input,
};
use crate::queries::{Bind, Sql};

/// Its place in the source, its id, status and pipeline with that one's status, where it goes, its worker, now, and whether
/// others wait for it.
pub(super) type Row = (
    BigInt,
    sql_types::Uuid,
    Nullable<Text>,
    Nullable<sql_types::Uuid>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<sql_types::Uuid>,
    BigInt,
    Bool,
);

#[derive(diesel::Queryable)]
pub(super) struct Found {
    place: i64,
    pub(super) task: Uuid,
    pub(super) status: Option<TaskStatus>,
    pub(super) pipeline: Option<Uuid>,
    pub(super) pipeline_status: Option<PipelineStatus>,
    pub(super) to: Option<TaskStatus>,
    worker: Option<Uuid>,
    now: i64,
    has_dependents: bool,
}

impl Found {
    pub(super) fn outcome(&self) -> Outcome {
        Outcome {
            task: self.task,
            found: self.status,
            to: self.to,
            may_release: self.has_dependents && self.to.is_some_and(TaskStatus::is_terminal),
        }
    }
}

/// What is looked for, without a borrow: the statements run on another thread.
pub(crate) struct Look {
    pub(super) rule: &'static Rule,
    columns: Vec<Column>,
    place: Place,
}

enum Place {
    Named {
        input: Input,
        argument: Argued,
    },
    Held {
        input: Input,
        arguments: Vec<Argued>,
    },
    OfWorker(Uuid),
    Due {
        limit: i64,
    },
    Expired {
        limit: i64,
        max_recoveries: i64,
    },
}

/// What comes with a task.
#[derive(Clone, Default)]
struct Argued {
    delay: i64,
    text: String,
    output: Option<String>,
}

impl Argued {
    fn new(argument: Argument<'_>) -> Self {
        let mut argued = Self::default();
        match argument {
            Argument::None => {}
            Argument::DueIn(delay) => argued.delay = delay,
            Argument::Reason(reason) => reason.clone_into(&mut argued.text),
        }
        argued
    }

    fn of(held: &Held<'_>) -> Self {
        Self {
            delay: held.delay,
            text: held.error.to_owned(),
            // As text in text, so that it is kept to the letter.
            output: held.output.map(Value::to_string),
        }
    }

    fn value(&self, column: Column, now: i64) -> Value {
        match column {
            Column::Delay => (now + self.delay).into(),
            Column::Error | Column::Reason => self.text.as_str().into(),
            Column::Output => self.output.as_deref().into(),
        }
    }
}

impl Look {
    pub(super) fn new(change: Change<'_>) -> Self {
        let place = match change.source {
            Source::Named { tasks, argument } => Place::Named {
                input: Input::ids(tasks),
                argument: Argued::new(argument),
            },
            Source::Held(held) => Place::Held {
                input: claims(held),
                arguments: held.iter().map(Argued::of).collect(),
            },
            Source::OfWorker(worker) => Place::OfWorker(worker),
            Source::Due { limit } => Place::Due { limit },
            Source::Expired {
                limit,
                max_recoveries,
            } => Place::Expired {
                limit,
                max_recoveries,
            },
        };
        Self {
            rule: change.rule,
            columns: change.columns(),
            place,
        }
    }

    /// In the order of the source.
    pub(super) fn load(&self, connection: &mut SqliteConnection) -> QueryResult<Vec<Found>> {
        let mut found: Vec<Found> = self.statement().load(connection)?;
        found.sort_by_key(|found| found.place);
        Ok(found)
    }

    /// The tasks that move, with what the other statements need of each.
    pub(super) fn input(&self, moving: &[&Found]) -> Input {
        let several = self.rule.outcomes.len() > 1;
        let of_worker = matches!(self.place, Place::Expired { .. });
        if self.columns.is_empty() && !several && !of_worker {
            let ids: Vec<Uuid> = moving.iter().map(|found| found.task).collect();
            return Input::ids(&ids);
        }
        let mut names: Vec<_> = self.columns.iter().map(|column| column.kept()).collect();
        names.extend(several.then_some("next"));
        names.extend(of_worker.then_some("worker"));
        Input::rows(
            names,
            moving.iter().map(|found| {
                let argued = self.argued(found);
                let columns = self.columns.iter();
                let mut values: Vec<_> = columns
                    .map(|column| argued.map_or(Value::Null, |it| it.value(*column, found.now)))
                    .collect();
                let next = found.to.map(TaskStatus::as_str);
                values.extend(several.then_some(next.into()));
                let worker = found.worker.map(|worker| worker.to_string());
                values.extend(of_worker.then_some(worker.into()));
                (found.task, values)
            }),
        )
    }

    fn argued(&self, found: &Found) -> Option<&Argued> {
        match &self.place {
            Place::Named { argument, .. } => Some(argument),
            Place::Held { arguments, .. } => arguments.get(usize::try_from(found.place).ok()?),
            Place::OfWorker(_) | Place::Due { .. } | Place::Expired { .. } => None,
        }
    }

    fn statement<'a>(&self) -> Sql<'a, Row> {
        match &self.place {
            Place::Named { input, .. } => input.with(self.select("NULL", "")),
            Place::Held { input, .. } => {
                let fence = format!(
                    " AND t.epoch = input.epoch AND EXISTS (
        SELECT 1 FROM task_workers w
        WHERE w.id = unhex(input.worker_id) AND w.lease_expires_at > {NOW}
    )"
                );
                input.with(self.select("NULL", &fence))
            }
            Place::OfWorker(worker) => Sql::new(
                "WITH input AS MATERIALIZED (
    SELECT task_execution_id AS id, 0 AS ord, epoch FROM task_claims WHERE worker_id = ",
            )
            .bind(Bind::Id(*worker))
            .text(")")
            .text(self.select("NULL", " AND t.epoch = input.epoch")),
            Place::Due { limit } => Sql::new(format!(
                "WITH input AS MATERIALIZED (
    SELECT task_execution_id AS id, row_number() OVER (ORDER BY due_at, task_execution_id) AS ord
    FROM task_schedule WHERE due_at <= {NOW} ORDER BY due_at, task_execution_id LIMIT "
            ))
            .bind(Bind::Integer(*limit))
            .text(")")
            .text(self.select("NULL", "")),
            Place::Expired {
                limit,
                max_recoveries,
            } => Sql::new(
                "WITH input AS MATERIALIZED (
    SELECT c.task_execution_id AS id, 0 AS ord, c.epoch, c.worker_id, ",
            )
            .bind(Bind::Integer(*max_recoveries))
            .text(format!(
                " AS max_recoveries
    FROM task_workers w JOIN task_claims c ON c.worker_id = w.id
    WHERE w.lease_expires_at <= {NOW} LIMIT "
            ))
            .bind(Bind::Integer(*limit))
            .text(")")
            .text(self.select("input.worker_id", " AND t.epoch = input.epoch")),
        }
    }

    /// `fence` is what a task must fulfil beside its status.
    fn select(&self, worker: &str, fence: &str) -> String {
        let rule = self.rule;
        let (from, guard) = (parts::list(rule.from), parts::guard(rule));
        let next = parts::next_status(rule);
        let has_dependents = if rule.may_end() {
            "EXISTS (SELECT 1 FROM task_dependencies d WHERE d.dependency_id = input.id)"
        } else {
            "false"
        };
        format!(
            "
SELECT input.ord, input.id, t.status, t.pipeline_execution_id, p.status,
    CASE WHEN t.status IN ({from}){guard}{fence} THEN {next} END, {worker}, {NOW},
    {has_dependents}
FROM input
LEFT JOIN task_executions t ON t.id = input.id
LEFT JOIN pipeline_executions p ON p.id = t.pipeline_execution_id"
        )
    }
}

/// The claims as a list, with the fence of each.
fn claims(held: &[Held<'_>]) -> Input {
    Input::rows(
        vec!["epoch", "worker_id", "delay"],
        held.iter().map(|held| {
            let worker = held.claim.worker_id().simple().to_string();
            let values = vec![held.claim.epoch().into(), worker.into(), held.delay.into()];
            (held.claim.task_execution_id(), values)
        }),
    )
}
