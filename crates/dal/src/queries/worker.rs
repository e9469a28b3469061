//! Queries on `task_workers`.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use taskbox_models::Worker;
use taskbox_schema::{bind, sql_types, task_workers};
use uuid::Uuid;

use super::{Bind, SQLITE_NOW, Sql};
use crate::{Result, connection::Connection};

/// Makes a worker whose lease ends in so many microseconds.
pub(crate) async fn insert(
    connection: &mut Connection<'_>,
    id: Uuid,
    name: &str,
    lease: i64,
) -> Result<Option<Worker>> {
    type Row = (
        sql_types::Uuid,
        sql_types::Text,
        sql_types::Timestamptz,
        sql_types::Timestamptz,
        sql_types::Timestamptz,
    );
    let statement: Sql<'_, Row> =
        Sql::new("INSERT INTO task_workers (id, name, lease_expires_at) VALUES (")
            .bind(Bind::Id(id))
            .text(", ")
            .bind(Bind::Text(name))
            .text(", ")
            .moment_in(lease)
            .text(")\nRETURNING id, name, registered_at, heartbeat_at, lease_expires_at");
    let mut rows: Vec<Worker> = on!(connection, |c| statement.load(c).await?);
    Ok(rows.pop())
}

/// A worker, how many tasks it runs, and for how many microseconds its lease lasts.
pub(crate) type Load = (Worker, i64, i64);

/// The workers in the order of their ids.
pub(crate) async fn list(connection: &mut Connection<'_>, limit: i64) -> Result<Vec<Load>> {
    type Row = (
        (
            sql_types::Uuid,
            sql_types::Text,
            sql_types::Timestamptz,
            sql_types::Timestamptz,
            sql_types::Timestamptz,
        ),
        sql_types::Int8,
        sql_types::Int8,
    );
    let statement: Sql<'_, Row> = Sql::new(
        "SELECT w.id, w.name, w.registered_at, w.heartbeat_at, w.lease_expires_at,
    (SELECT count(*) FROM task_claims c WHERE c.worker_id = w.id),\n    ",
    )
    .microseconds_until("w.lease_expires_at")
    .text("\nFROM task_workers w ORDER BY w.id LIMIT ")
    .bind(Bind::Integer(limit));
    on!(connection, |c| Ok(statement.load(c).await?))
}

/// Renews a worker's lease, and answers with the tasks that it lost and those that were cancelled, which it is told
/// once; `None` if there is no such worker.
pub(crate) async fn renew(
    connection: &mut Connection<'_>,
    id: Uuid,
    lease: i64,
) -> Result<Option<(Vec<Uuid>, Vec<Uuid>)>> {
    let mut rows: Vec<(Value, Value)> = match connection {
        #[cfg(feature = "postgres")]
        Connection::Postgres(line) => line.load(postgres_renewal(id, lease)).await?,
        #[cfg(feature = "sqlite")]
        Connection::Sqlite(line) => {
            let c = line.begun().await?;
            // Its RETURNING knows the new row alone.
            let told = told(id).load(c).await?;
            sqlite_renewal(id, lease).execute(c).await?;
            told
        }
        #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
        Connection::None(never, _) => match *never {},
    };
    let Some((lost, cancelled)) = rows.pop() else {
        return Ok(None);
    };
    Ok(Some((ids(lost)?, ids(cancelled)?)))
}

/// Those of the tasks that the worker runs, by a claim that is still good.
pub(crate) async fn running(
    connection: &mut Connection<'_>,
    id: Uuid,
    tasks: &[Uuid],
) -> Result<Vec<Uuid>> {
    let statement: Sql<'_, sql_types::Uuid> =
        Sql::new("SELECT task_execution_id FROM task_claims WHERE worker_id = ")
            .bind(Bind::Id(id))
            .text(" AND task_execution_id ")
            .bind(Bind::any_of(tasks));
    on!(connection, |c| Ok(statement.load(c).await?))
}

type Told = (sql_types::Jsonb, sql_types::Jsonb);

#[cfg(feature = "postgres")]
fn postgres_renewal<'a>(id: Uuid, lease: i64) -> Sql<'a, Told> {
    Sql::new(
        "WITH told AS MATERIALIZED (
    SELECT id, lost_tasks, cancelled_tasks FROM task_workers WHERE id = ",
    )
    .bind(Bind::Id(id))
    .text(
        " FOR NO KEY UPDATE
)
UPDATE task_workers w SET heartbeat_at = clock_timestamp(), lease_expires_at = ",
    )
    .moment_in(lease)
    .text(
        ",
    lost_tasks = '[]', cancelled_tasks = '[]'
FROM told WHERE w.id = told.id
RETURNING told.lost_tasks, told.cancelled_tasks",
    )
}

#[cfg(feature = "sqlite")]
fn told<'a>(id: Uuid) -> Sql<'a, Told> {
    Sql::new("SELECT lost_tasks, cancelled_tasks FROM task_workers WHERE id = ").bind(Bind::Id(id))
}

#[cfg(feature = "sqlite")]
fn sqlite_renewal<'a>(id: Uuid, lease: i64) -> Sql<'a> {
    Sql::new(format!(
        "UPDATE task_workers SET heartbeat_at = {SQLITE_NOW}, lease_expires_at = "
    ))
    .moment_in(lease)
    .text(",\n    lost_tasks = '[]', cancelled_tasks = '[]'\nWHERE id = ")
    .bind(Bind::Id(id))
}

/// The ids of tasks that transitions wrote.
fn ids(json: Value) -> Result<Vec<Uuid>> {
    serde_json::from_value(json)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()).into())
}

/// Whether a worker may claim, and whether a scheduled task's time has come.
pub(crate) struct State {
    pub(crate) is_live: bool,
    pub(crate) is_something_due: bool,
}

pub(crate) async fn state(connection: &mut Connection<'_>, id: Uuid) -> Result<State> {
    // As a query of its own it is asked once, so that an index can be searched by it.
    const POSTGRES_NOW: &str = "(SELECT clock_timestamp())";
    let statement: Sql<'_, (sql_types::Bool, sql_types::Bool)> =
        Sql::new("SELECT EXISTS (SELECT 1 FROM task_workers WHERE id = ")
            .bind(Bind::Id(id))
            .text(" AND lease_expires_at > ")
            .either(POSTGRES_NOW, SQLITE_NOW)
            .text("),\n    coalesce((SELECT min(due_at) FROM task_schedule) <= ")
            .either(POSTGRES_NOW, SQLITE_NOW)
            .text(", false)");
    let mut rows: Vec<(bool, bool)> = on!(connection, |c| statement.load(c).await?);
    let (is_live, is_something_due) = rows.pop().unwrap_or_default();
    Ok(State {
        is_live,
        is_something_due,
    })
}

/// Locks a worker against claiming.
pub(crate) async fn lock(connection: &mut Connection<'_>, id: Uuid) -> Result<()> {
    let statement: Sql<'_, sql_types::Uuid> = Sql::new("SELECT id FROM task_workers WHERE id = ")
        .bind(Bind::Id(id))
        .on_postgres(" FOR UPDATE");
    on!(connection, |c| statement.load::<Uuid>(c).await?);
    Ok(())
}

/// Deletes a worker that is locked and holds nothing.
pub(crate) async fn delete(connection: &mut Connection<'_>, id: Uuid) -> Result<()> {
    let worker = task_workers::table.filter(task_workers::id.eq(bind::Uuid(id)));
    on!(connection, |c| diesel::delete(worker).execute(c).await?);
    Ok(())
}

/// Deletes workers whose lease has expired and that hold nothing, so many at the most; passes over those that are being
/// renewed, or that claim.
pub(crate) async fn forget_expired(connection: &mut Connection<'_>, limit: i64) -> Result<()> {
    let expired: Sql<'_, sql_types::Uuid> = Sql::new(
        "SELECT w.id FROM task_workers w
WHERE w.lease_expires_at <= ",
    )
    .now()
    .text("\n    AND NOT EXISTS (SELECT 1 FROM task_claims c WHERE c.worker_id = w.id)\nLIMIT ")
    .bind(Bind::Integer(limit))
    .on_postgres(" FOR UPDATE OF w SKIP LOCKED");
    let expired: Vec<Uuid> = on!(connection, |c| expired.load(c).await?);
    if expired.is_empty() {
        return Ok(());
    }
    // What a claim that was committed before the lock has written shows in a statement that begins after it.
    let idle: Sql<'_> = Sql::new("DELETE FROM task_workers AS w WHERE w.id ")
        .bind(Bind::any_of(&expired))
        .text("\n    AND NOT EXISTS (SELECT 1 FROM task_claims c WHERE c.worker_id = w.id)");
    on!(connection, |c| idle.execute(c).await?);
    Ok(())
}
