//! Times that a test sets, instead of waiting for them.

use chrono::{DateTime, Utc};
use taskbox_test_support::{Backend, TestDatabase};

/// A moment long before any test: so many seconds after the first of January 2020.
pub(crate) fn long_ago(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_577_836_800 + seconds, 0).unwrap()
}

/// Makes the row of a table as old as if it had been written at that moment.
pub(crate) async fn backdate(db: &TestDatabase, table: &str, row: i64, moment: DateTime<Utc>) {
    let created_at = match db.backend() {
        Backend::Postgres => format!("'{}'", moment.to_rfc3339()),
        Backend::Sqlite => moment.timestamp_micros().to_string(),
    };
    let set = format!("UPDATE {table} SET created_at = {created_at} WHERE id = {row}");
    db.execute(&set).await;
}
