//! Where it is measured: a database that holds nothing before, and nothing afterwards.

use std::time::Duration;

use taskbox_dal::{DAL, TaskFilter};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{Error, Result, arguments::Database};

/// How many connections its pool has at the most.
pub(super) const POOL: usize = 8;
/// How many tasks are cancelled in a transaction.
const AT_ONCE: usize = 1_000;
/// How many events are looked at in a transaction that deletes.
const EVENTS: i64 = 1_000;

pub(super) struct Arena {
    pub(super) dal: DAL,
    /// Who makes tasks ready: a handle of its own, as another program has it.
    pub(super) maker: DAL,
    /// The tasks that it made.
    pub(super) tasks: Vec<Uuid>,
    /// The folder of the file, if that was made for the run. It is removed with this.
    own: Option<TempDir>,
}

impl Arena {
    /// The database that was given, if it holds nothing, or else a file of its own.
    pub(super) async fn open(database: &Database) -> Result<Self> {
        let (url, own) = database.url_or_temporary("bench")?;
        let connect = || database.builder(&url).pool_size(POOL).connect();
        let dal = connect().await?;
        // Nothing is changed in a database that holds something, and one without tables holds nothing.
        match require_empty(&dal).await {
            Err(Error::Dal(taskbox_dal::Error::Unmigrated { .. })) | Ok(()) => {}
            Err(error) => return Err(error),
        }
        dal.migrate().await?;
        require_empty(&dal).await?;
        let maker = connect().await?;
        let tasks = Vec::new();
        Ok(Self {
            dal,
            maker,
            tasks,
            own,
        })
    }

    pub(super) fn is_given(&self) -> bool {
        self.own.is_none()
    }

    /// Deletes the tasks that were made, with their history.
    pub(super) async fn clear(self) -> Result<()> {
        if self.own.is_some() {
            return Ok(());
        }
        let left = |why: String| {
            Error::Failed(format!(
                "the tasks of the queue bench are still in the database, since {why}; `taskbox cancel` ends those that \
                 have not ended, and `taskbox cleanup --older-than 0s` deletes all that has"
            ))
        };
        match anybody_else(&self.dal).await {
            Ok(None) => {}
            // Nor are the figures of this program alone.
            Ok(Some(who)) => return Err(left(format!("{who} came into it meanwhile"))),
            Err(error) => return Err(left(error.to_string())),
        }
        let deleted = delete(&self.dal, &self.tasks).await;
        deleted.map_err(|error| left(error.to_string()))
    }
}

async fn delete(dal: &DAL, tasks: &[Uuid]) -> Result<()> {
    for tasks in tasks.chunks(AT_ONCE) {
        cancel(dal, tasks).await?;
    }
    let mut position = Some(0);
    while let Some(after) = position {
        let history = dal.execution_event();
        let pruned = history.prune(Duration::ZERO, after, EVENTS).await?;
        position = pruned.next;
    }
    Ok(())
}

/// Ends those that have not ended, which is what can be deleted.
async fn cancel(dal: &DAL, tasks: &[Uuid]) -> Result<()> {
    dal.transaction(async |tx| {
        for task in tasks {
            match tx.task_execution().cancel(*task).await {
                Err(error) if !Error::is_refusal(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    })
    .await?;
    Ok(())
}

async fn require_empty(dal: &DAL) -> Result<()> {
    let tasks = dal.task_execution().list(&TaskFilter::default(), 1).await?;
    let found = if tasks.is_empty() {
        anybody_else(dal).await?
    } else {
        Some("a task")
    };
    let Some(found) = found else {
        return Ok(());
    };
    Err(Error::Refused(format!(
        "there is {found} in the database, and nothing is measured where others work; give an empty database, on Postgres by \
         --schema a schema that is not there yet, or no --database-url"
    )))
}

/// What this program does not make here, or has taken away again by now.
async fn anybody_else(dal: &DAL) -> Result<Option<&'static str>> {
    if !dal.pipeline_execution().list_recent(1).await?.is_empty() {
        return Ok(Some("a pipeline"));
    }
    let workers = dal.worker().list(1).await?;
    Ok((!workers.is_empty()).then_some("a worker"))
}
