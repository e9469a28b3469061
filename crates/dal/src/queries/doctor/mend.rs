//! How what is broken is mended: by the statements that keep it, on what is locked and still broken.

use std::time::Duration;

use diesel_async::RunQueryDsl;
use taskbox_models::{EventType, LiveTable, RunWhen, TaskStatus, Transition};
use taskbox_schema::sql_types;
use uuid::Uuid;

use super::{
    super::{
        Bind, Sql, live, pipeline_execution, task_dependency, task_outbox,
        transition::{Argument, Change, Source, apply, release},
    },
    invariant::{broken_of, counts},
};
use crate::{Invariant, Result, Tx, connection::Connection};

/// Mends the invariant for these, and answers for how many.
pub(crate) async fn mend(tx: &mut Tx<'_>, invariant: Invariant, ids: &[Uuid]) -> Result<usize> {
    match invariant {
        Invariant::PipelineCounters => return count_tasks(tx, ids).await,
        Invariant::RowOfItsStatus(table) => {
            let connection = &mut tx.connection;
            let these = "o.task_execution_id";
            return live::delete_stale(connection, table, these, Bind::any_of(ids)).await;
        }
        Invariant::PipelineStatus => return Ok(0),
        _ => {}
    }
    lock(&mut tx.connection, ids).await?;
    let broken = broken_of(&mut tx.connection, invariant, ids).await?;
    if broken.is_empty() {
        return Ok(0);
    }
    tx.context.faults.reach("mend: change")?;
    match invariant {
        Invariant::OpenDependencies => {
            task_dependency::recount(&mut tx.connection, &broken).await?;
            Ok(broken.len())
        }
        Invariant::RowOfEachTask(LiveTable::Schedule) => schedule(tx, &broken).await,
        Invariant::RowOfEachTask(LiveTable::Claims) => release(tx, &broken).await,
        Invariant::NothingStranded => move_on(tx, broken).await,
        _ => publish(tx, &broken).await,
    }
}

/// Locks the pipelines of the tasks as their graphs' mutexes, then the tasks, each in the order of their ids.
async fn lock(connection: &mut Connection<'_>, tasks: &[Uuid]) -> Result<()> {
    let found = task_dependency::pipelines_of(connection, tasks).await?;
    let pipelines: Vec<Uuid> = found
        .into_iter()
        .filter_map(|(_, pipeline, _)| pipeline)
        .collect();
    pipeline_execution::lock(connection, &pipelines).await?;
    let statement: Sql<'_, sql_types::Uuid> = Sql::new("SELECT id FROM task_executions WHERE id ")
        .bind(Bind::any_of(tasks))
        .text("\nORDER BY id")
        .on_postgres(" FOR NO KEY UPDATE");
    on!(connection, |c| statement.load::<Uuid>(c).await?);
    Ok(())
}

/// Counts the tasks of pipelines anew.
async fn count_tasks(tx: &mut Tx<'_>, pipelines: &[Uuid]) -> Result<usize> {
    pipeline_execution::lock(&mut tx.connection, pipelines).await?;
    tx.context.faults.reach("mend: change")?;
    let statement: Sql<'_> = Sql::new(
        "UPDATE pipeline_executions AS p SET open_tasks = n.open, failed_tasks = n.failed,
    cancelled_tasks = n.cancelled, updated_at = ",
    )
    .now()
    .text(format!(
        "
FROM (
    SELECT q.id AS pipeline, {}
    FROM pipeline_executions q LEFT JOIN task_executions t ON t.pipeline_execution_id = q.id
    WHERE q.id ",
        counts()
    ))
    .bind(Bind::any_of(pipelines))
    .text(
        "
    GROUP BY q.id
) n
WHERE p.id = n.pipeline AND (p.open_tasks <> n.open OR p.failed_tasks <> n.failed
    OR p.cancelled_tasks <> n.cancelled)",
    );
    on!(&mut tx.connection, |c| Ok(statement.execute(c).await?))
}

/// Publishes tasks, or copies anew what their rows have.
async fn publish(tx: &mut Tx<'_>, tasks: &[Uuid]) -> Result<usize> {
    tx.is_ready_in(Duration::ZERO);
    task_outbox::republish(&mut tx.connection, tasks).await
}

/// Puts tasks back into the schedule, by the time that the last event that has one says. Leaves those that have none.
async fn schedule(tx: &mut Tx<'_>, tasks: &[Uuid]) -> Result<usize> {
    // Whoever sleeps asks again when the next is due.
    tx.is_ready_in(Duration::ZERO);
    let (scheduled, retried) = (EventType::TaskScheduled, EventType::TaskRetryScheduled);
    let deferred = EventType::TaskDeferred;
    let statement: Sql<'_> = Sql::new(
        "INSERT INTO task_schedule (task_execution_id, due_at)
SELECT task, due_at FROM (
    SELECT t.id AS task, (
        SELECT ",
    )
    .either(
        "(e.event_data ->> 'due_at')::timestamptz",
        "CAST(round(unixepoch(e.event_data ->> 'due_at', 'subsec') * 1000) AS INTEGER) * 1000",
    )
    .text(format!(
        " FROM execution_events e
        WHERE e.task_execution_id = t.id AND e.event_type IN ('{scheduled}', '{retried}', '{deferred}')
        ORDER BY e.id DESC LIMIT 1
    ) AS due_at
    FROM task_executions t WHERE t.id "
    ))
    .bind(Bind::any_of(tasks))
    .text("\n) n\nWHERE due_at IS NOT NULL");
    on!(&mut tx.connection, |c| Ok(statement.execute(c).await?))
}

/// Releases tasks that run and that nobody can end, as their worker would. Leaves those that have no attempt to give
/// back.
async fn release(tx: &mut Tx<'_>, tasks: &[Uuid]) -> Result<usize> {
    let statement: Sql<'_, sql_types::Uuid> =
        Sql::new("SELECT id FROM task_executions WHERE attempt > 0 AND id ")
            .bind(Bind::any_of(tasks))
            .text("\nORDER BY id");
    let tasks: Vec<Uuid> = on!(&mut tx.connection, |c| statement.load(c).await?);
    let source = Source::Named {
        tasks: &tasks,
        argument: Argument::None,
    };
    let rule = Transition::Release.rule();
    let outcomes = apply(tx, Change { rule, source }).await?;
    Ok(outcomes.iter().filter(|it| it.to.is_some()).count())
}

/// Moves tasks on for which everything has ended that they waited for.
async fn move_on(tx: &mut Tx<'_>, tasks: Vec<Uuid>) -> Result<usize> {
    let number = tasks.len();
    let strict = RunWhen::AllCompleted;
    let completed = TaskStatus::Completed;
    // Those that their dependencies doom.
    let statement: Sql<'_, sql_types::Uuid> =
        Sql::new("SELECT t.id FROM task_executions t\nWHERE t.id ")
            .bind(Bind::any_of(&tasks))
            .text(format!(
                " AND t.run_when = '{strict}' AND EXISTS (
    SELECT 1 FROM task_dependencies d JOIN task_executions x ON x.id = d.dependency_id
    WHERE d.task_execution_id = t.id AND x.status <> '{completed}'
)
ORDER BY t.id"
            ));
    let doomed: Vec<Uuid> = on!(&mut tx.connection, |c| statement.load(c).await?);
    let mut ready = tasks.clone();
    ready.retain(|task| !doomed.contains(task));
    release::latecomers(tx, doomed, &ready).await?;
    Ok(number)
}
