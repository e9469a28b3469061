//! Typed Diesel on `SQLite`: the shape that was not taken. It goes to the blocking thread once, since there
//! Diesel writes many rows in one statement, which its async wrapper cannot.

use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl, SqliteConnection, dsl::sql};
use taskbox_dal::{DAL, Error};
use taskbox_models::{EventType, PipelineStatus, TaskStatus};
use taskbox_schema::{
    bind, execution_events, pipeline_executions, sql_types::Timestamptz, task_executions,
    task_outbox, task_schedule,
};
use uuid::Uuid;

use super::sqlite_sql::NOW;
use super::typed::{
    EventRow, OutboxRow, ROWS, Task, event_rows, in_order_of, outbox_rows, pending,
};

pub(crate) async fn mark_ready(dal: &DAL, tasks: &[Uuid]) {
    dal.transaction(async |tx| {
        let tasks = tasks.to_vec();
        tx.sqlite()?
            .spawn_blocking(move |connection| run(connection, &tasks))
            .await
            .map_err(Error::from)
    })
    .await
    .expect("the tasks have not started");
}

fn run(connection: &mut SqliteConnection, tasks: &[Uuid]) -> QueryResult<()> {
    let moving = in_order_of(tasks, find_tasks(connection, tasks)?);
    let pipelines = find_pipelines(connection, &moving)?;
    change_status(connection, tasks)?;
    if moving.iter().any(Task::is_scheduled) {
        leave_schedule(connection, tasks)?;
    }
    for pipeline in pending(&pipelines) {
        start(connection, pipeline)?;
    }
    for rows in moving.chunks(ROWS) {
        publish(connection, outbox_rows(rows, &pipelines))?;
        log(connection, event_rows(rows))?;
    }
    Ok(())
}

fn ids(tasks: &[Uuid]) -> Vec<bind::Uuid> {
    tasks.iter().copied().map(bind::Uuid).collect()
}

fn find_tasks(connection: &mut SqliteConnection, tasks: &[Uuid]) -> QueryResult<Vec<Task>> {
    task_executions::table
        .filter(task_executions::id.eq_any(ids(tasks)))
        .filter(task_executions::status.eq_any([TaskStatus::NotStarted, TaskStatus::Scheduled]))
        .select((
            task_executions::id,
            task_executions::status,
            task_executions::pipeline_execution_id,
            task_executions::queue,
            task_executions::priority,
        ))
        .load(connection)
}

fn find_pipelines(
    connection: &mut SqliteConnection,
    tasks: &[Task],
) -> QueryResult<Vec<(Uuid, PipelineStatus)>> {
    let mut pipelines: Vec<Uuid> = tasks.iter().filter_map(|task| task.pipeline).collect();
    pipelines.sort_unstable();
    pipelines.dedup();
    if pipelines.is_empty() {
        return Ok(Vec::new());
    }
    pipeline_executions::table
        .filter(pipeline_executions::id.eq_any(ids(&pipelines)))
        .select((pipeline_executions::id, pipeline_executions::status))
        .load(connection)
}

fn change_status(connection: &mut SqliteConnection, tasks: &[Uuid]) -> QueryResult<usize> {
    diesel::update(task_executions::table.filter(task_executions::id.eq_any(ids(tasks))))
        .set((
            task_executions::status.eq(TaskStatus::Ready),
            task_executions::updated_at.eq(sql::<Timestamptz>(NOW)),
        ))
        .execute(connection)
}

fn leave_schedule(connection: &mut SqliteConnection, tasks: &[Uuid]) -> QueryResult<usize> {
    diesel::delete(task_schedule::table.filter(task_schedule::task_execution_id.eq_any(ids(tasks))))
        .execute(connection)
}

fn start(connection: &mut SqliteConnection, pipeline: Uuid) -> QueryResult<usize> {
    let pipeline = bind::Uuid(pipeline);
    diesel::update(pipeline_executions::table.find(pipeline))
        .set((
            pipeline_executions::status.eq(PipelineStatus::Running),
            pipeline_executions::updated_at.eq(sql::<Timestamptz>(NOW)),
        ))
        .execute(connection)?;
    diesel::insert_into(execution_events::table)
        .values((
            execution_events::pipeline_execution_id.eq(pipeline),
            execution_events::event_type.eq(EventType::PipelineStarted),
        ))
        .execute(connection)
}

/// A single row by a statement of its own, since Diesel does not keep one that is made for a list.
fn publish(connection: &mut SqliteConnection, mut rows: Vec<OutboxRow>) -> QueryResult<usize> {
    let insert = diesel::insert_into(task_outbox::table);
    match rows.pop() {
        Some(row) if rows.is_empty() => insert.values(row).execute(connection),
        last => {
            rows.extend(last);
            insert.values(rows).execute(connection)
        }
    }
}

fn log(connection: &mut SqliteConnection, mut rows: Vec<EventRow>) -> QueryResult<usize> {
    let insert = diesel::insert_into(execution_events::table);
    match rows.pop() {
        Some(row) if rows.is_empty() => insert.values(row).execute(connection),
        last => {
            rows.extend(last);
            insert.values(rows).execute(connection)
        }
    }
}
