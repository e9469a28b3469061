//! Typed Diesel on Postgres: the shape that was not taken.

use diesel::{ExpressionMethods, NullableExpressionMethods, QueryDsl, QueryResult};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use taskbox_dal::{DAL, Error};
use taskbox_models::{EventType, PipelineStatus, TaskStatus};
use taskbox_schema::{
    bind, execution_events, pipeline_executions, task_executions, task_outbox, task_schedule,
};
use uuid::Uuid;

use super::typed::{
    EventRow, OutboxRow, ROWS, Task, event_rows, in_order_of, outbox_rows, pending,
};

diesel::define_sql_function! {
    fn clock_timestamp() -> taskbox_schema::sql_types::Timestamptz;
}

pub(crate) async fn mark_ready(dal: &DAL, tasks: &[Uuid]) {
    dal.transaction(async |tx| {
        let connection = tx.postgres()?;
        let pipelines = lock_pipelines(connection, tasks).await?;
        let moving = in_order_of(tasks, lock_tasks(connection, tasks).await?);
        change_status(connection, tasks).await?;
        if moving.iter().any(Task::is_scheduled) {
            leave_schedule(connection, tasks).await?;
        }
        for pipeline in pending(&pipelines) {
            start(connection, pipeline).await?;
        }
        for rows in moving.chunks(ROWS) {
            publish(connection, outbox_rows(rows, &pipelines)).await?;
            log(connection, event_rows(rows)).await?;
        }
        Ok::<_, Error>(())
    })
    .await
    .expect("the tasks have not started");
}

fn ids(tasks: &[Uuid]) -> impl Iterator<Item = bind::Uuid> {
    tasks.iter().copied().map(bind::Uuid)
}

async fn lock_pipelines(
    connection: &mut AsyncPgConnection,
    tasks: &[Uuid],
) -> QueryResult<Vec<(Uuid, PipelineStatus)>> {
    let of_these_tasks = task_executions::table
        .filter(task_executions::id.eq_any(ids(tasks)))
        .select(task_executions::pipeline_execution_id);
    pipeline_executions::table
        .filter(pipeline_executions::id.nullable().eq_any(of_these_tasks))
        .order(pipeline_executions::id)
        .select((pipeline_executions::id, pipeline_executions::status))
        .for_key_share()
        .load(connection)
        .await
}

async fn lock_tasks(connection: &mut AsyncPgConnection, tasks: &[Uuid]) -> QueryResult<Vec<Task>> {
    task_executions::table
        .filter(task_executions::id.eq_any(ids(tasks)))
        .filter(task_executions::status.eq_any([TaskStatus::NotStarted, TaskStatus::Scheduled]))
        .order(task_executions::id)
        .select((
            task_executions::id,
            task_executions::status,
            task_executions::pipeline_execution_id,
            task_executions::queue,
            task_executions::priority,
        ))
        .for_no_key_update()
        .load(connection)
        .await
}

async fn change_status(connection: &mut AsyncPgConnection, tasks: &[Uuid]) -> QueryResult<usize> {
    diesel::update(task_executions::table.filter(task_executions::id.eq_any(ids(tasks))))
        .set((
            task_executions::status.eq(TaskStatus::Ready),
            task_executions::updated_at.eq(clock_timestamp()),
        ))
        .execute(connection)
        .await
}

async fn leave_schedule(connection: &mut AsyncPgConnection, tasks: &[Uuid]) -> QueryResult<usize> {
    diesel::delete(task_schedule::table.filter(task_schedule::task_execution_id.eq_any(ids(tasks))))
        .execute(connection)
        .await
}

async fn start(connection: &mut AsyncPgConnection, pipeline: Uuid) -> QueryResult<usize> {
    let pipeline = bind::Uuid(pipeline);
    diesel::update(pipeline_executions::table.find(pipeline))
        .set((
            pipeline_executions::status.eq(PipelineStatus::Running),
            pipeline_executions::updated_at.eq(clock_timestamp()),
        ))
        .execute(connection)
        .await?;
    diesel::insert_into(execution_events::table)
        .values((
            execution_events::pipeline_execution_id.eq(pipeline),
            execution_events::event_type.eq(EventType::PipelineStarted),
        ))
        .execute(connection)
        .await
}

/// A single row by a statement of its own, since Diesel does not keep one that is made for a list.
async fn publish(
    connection: &mut AsyncPgConnection,
    mut rows: Vec<OutboxRow>,
) -> QueryResult<usize> {
    let insert = diesel::insert_into(task_outbox::table);
    match rows.pop() {
        Some(row) if rows.is_empty() => insert.values(row).execute(connection).await,
        last => {
            rows.extend(last);
            insert.values(rows).execute(connection).await
        }
    }
}

async fn log(connection: &mut AsyncPgConnection, mut rows: Vec<EventRow>) -> QueryResult<usize> {
    let insert = diesel::insert_into(execution_events::table);
    match rows.pop() {
        Some(row) if rows.is_empty() => insert.values(row).execute(connection).await,
        last => {
            rows.extend(last);
            insert.values(rows).execute(connection).await
        }
    }
}
