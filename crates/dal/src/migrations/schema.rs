//! The schema that migrations run in: its lock, and itself.

use diesel::{
    RunQueryDsl,
    connection::LoadConnection,
    dsl::sql,
    pg::Pg,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Text},
};

use super::failed;
use crate::{Error, Result, schema::Schema};

/// Any number that no other software has: the bytes of "taskbox".
const LOCK: i64 = 0x74_61_73_6b_62_6f_78;

/// Waits until nobody else migrates this schema, by whatever way they named it. Those who migrate others go on.
pub(super) fn lock(
    connection: &mut impl LoadConnection<Backend = Pg>,
    schema: Option<&Schema>,
) -> Result<()> {
    let name = "coalesce($1, current_schema(), '')";
    sql_query(format!(
        "SELECT pg_advisory_xact_lock(hashtextextended({name}, $2))"
    ))
    .bind::<Nullable<Text>, _>(schema.map(Schema::as_str))
    .bind::<BigInt, _>(LOCK)
    .execute(connection)
    .map_err(failed)?;
    Ok(())
}

/// Makes the schema, unless it is there: that takes a right which who uses one need not have.
pub(super) fn make(
    connection: &mut impl LoadConnection<Backend = Pg>,
    schema: &Schema,
) -> Result<()> {
    if is_usable(connection, schema)? {
        return Ok(());
    }
    let is_missing = sql::<Bool>("to_regnamespace(").bind::<Text, _>(schema.as_str());
    if diesel::select(is_missing.sql(") IS NULL"))
        .get_result(connection)
        .map_err(failed)?
    {
        sql_query(format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""))
            .execute(connection)
            .map_err(failed)?;
    }
    if is_usable(connection, schema)? {
        return Ok(());
    }
    Err(Error::Migration(format!(
        "this role may not use the schema {schema}; GRANT it USAGE and CREATE"
    )))
}

/// Whether it is where the connection makes tables.
fn is_usable(connection: &mut impl LoadConnection<Backend = Pg>, schema: &Schema) -> Result<bool> {
    let is_current = sql::<Bool>("current_schema() IS NOT DISTINCT FROM ");
    let is_current = is_current.bind::<Text, _>(schema.as_str());
    diesel::select(is_current)
        .get_result(connection)
        .map_err(failed)
}
