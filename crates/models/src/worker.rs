use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A row of `task_workers`: a running executor and its lease.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = taskbox_schema::task_workers)]
pub struct Worker {
    /// A new one at each registration.
    pub id: Uuid,
    /// What the worker calls itself.
    pub name: String,
    /// When it registered.
    pub registered_at: DateTime<Utc>,
    /// When it last renewed its lease.
    pub heartbeat_at: DateTime<Utc>,
    /// When others may take back what it runs.
    pub lease_expires_at: DateTime<Utc>,
}
