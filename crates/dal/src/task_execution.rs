use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use taskbox_models::{
    Conflict, NewTaskExecution, PipelineStatus, Rule, TaskExecution, TaskStatus, Transition,
};
use uuid::Uuid;

use crate::{
    Door, Error, Moved, Result, Tx,
    connection::Connection,
    queries::{
        pipeline_execution,
        task_execution::{self, Insert},
        transition::{Argument, Change, apply, apply_to_one},
    },
    validate,
};

/// The tasks, and every transition they make: `dal.task_execution()` or `tx.task_execution()`.
///
/// Every transition changes the task's status, its row in the outbox or the schedule, its pipeline and its
/// history together. A task that is not in a status from which the transition starts is left as it is.
#[derive(Clone, Copy, Debug)]
#[must_use = "an accessor does nothing by itself"]
pub struct TaskExecutionDAL<D> {
    door: D,
}

impl<D: Door> TaskExecutionDAL<D> {
    pub(crate) fn new(door: D) -> Self {
        Self { door }
    }

    /// Makes a task, `NotStarted`.
    ///
    /// # Errors
    ///
    /// As [`create_many`](Self::create_many).
    pub async fn create(self, task: NewTaskExecution) -> Result<TaskExecution> {
        let mut made = self.create_many(vec![task]).await?;
        made.pop()
            .ok_or_else(|| Error::invalid("the database", "did not answer with the task it made"))
    }

    /// Makes tasks, all or none, and answers with them in the order given; nothing for none.
    ///
    /// A task made in a pipeline that has completed or failed reopens it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a name, queue or input that cannot be kept, for `max_attempts` below 1, and
    /// for an id that two of the tasks share; [`Error::Conflict`] if there is a task of a chosen id;
    /// [`Error::NotFound`] if there is no such pipeline, [`Error::PipelineClosed`] if it is cancelled.
    pub async fn create_many(self, tasks: Vec<NewTaskExecution>) -> Result<Vec<TaskExecution>> {
        tasks.iter().try_for_each(check)?;
        let inserts: Vec<Insert<'_>> = tasks
            .iter()
            .map(|task| (task.id.unwrap_or_else(Uuid::now_v7), task))
            .collect();
        check_distinct(&inserts)?;
        if inserts.is_empty() {
            return Ok(Vec::new());
        }
        let chosen: Vec<Uuid> = tasks.iter().filter_map(|task| task.id).collect();
        let pipelines: BTreeSet<Uuid> = tasks
            .iter()
            .filter_map(|task| task.pipeline_execution_id)
            .collect();
        let pipelines: Vec<Uuid> = pipelines.into_iter().collect();
        let (inserts, chosen, pipelines) = (&inserts, &chosen, &pipelines);
        self.door
            .write("create", async |tx: &mut Tx<'_>| {
                require_open(&mut tx.connection, pipelines).await?;
                require_absent(&mut tx.connection, chosen).await?;
                task_execution::insert(tx, inserts).await
            })
            .await
    }

    /// The task.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such task.
    pub async fn get(self, task: Uuid) -> Result<TaskExecution> {
        let found = self
            .door
            .read(async |connection: &mut Connection<'_>| {
                task_execution::get(connection, task).await
            })
            .await?;
        found.ok_or(Error::NotFound {
            what: "task",
            id: task,
        })
    }

    /// A pipeline's tasks, in the order of their ids; empty also if there is no such pipeline.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database.
    pub async fn list_by_pipeline(self, pipeline: Uuid) -> Result<Vec<TaskExecution>> {
        self.door
            .read(async |connection: &mut Connection<'_>| {
                task_execution::list_by_pipeline(connection, pipeline).await
            })
            .await
    }

    /// The newest tasks of a status, newest first, `limit` at the most.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the limit is negative.
    pub async fn list_by_status(
        self,
        status: TaskStatus,
        limit: i64,
    ) -> Result<Vec<TaskExecution>> {
        validate::limit(limit)?;
        self.door
            .read(async |connection: &mut Connection<'_>| {
                task_execution::list_by_status(connection, status, limit).await
            })
            .await
    }

    /// Makes a task wait for a worker: `Ready`, with its row in the outbox.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such task; [`Error::Conflict`] if it is neither `NotStarted` nor
    /// `Scheduled`.
    pub async fn mark_ready(self, task: Uuid) -> Result<()> {
        self.apply_to_one(Transition::MarkReady, task, Argument::None)
            .await
    }

    /// Makes tasks wait for workers, in the order given, which is the order of the outbox.
    ///
    /// Those that cannot be made ready are refused, and the others move. An id given twice counts once.
    ///
    /// # Errors
    ///
    /// Only those of the connection and the database; refusals are in the answer.
    pub async fn mark_ready_many(self, tasks: &[Uuid]) -> Result<Moved> {
        let rule = Transition::MarkReady.rule();
        self.door
            .write(rule.name, async |tx: &mut Tx<'_>| {
                let argument = Argument::None;
                apply(
                    tx,
                    Change {
                        rule,
                        tasks,
                        argument,
                    },
                )
                .await
            })
            .await
    }

    /// Makes a task wait for a time: `Scheduled`, with its row in the schedule, due once the delay is over by
    /// the clock of the database.
    ///
    /// A task that is due does not become ready by itself yet: [`mark_ready`](Self::mark_ready) makes it so,
    /// before its time as well.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such task; [`Error::Conflict`] if it is not `NotStarted`;
    /// [`Error::InvalidInput`] if the delay is longer than a century.
    pub async fn schedule(self, task: Uuid, delay: Duration) -> Result<()> {
        let argument = Argument::due_in(delay)?;
        self.apply_to_one(Transition::Schedule, task, argument)
            .await
    }

    /// Ends a task that has not started, since it is not needed. The reason goes into its history.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such task; [`Error::Conflict`] if it is not `NotStarted`;
    /// [`Error::InvalidInput`] if the reason contains a NUL character.
    pub async fn skip(self, task: Uuid, reason: impl Into<String>) -> Result<()> {
        let reason = reason.into();
        validate::text("reason", &reason)?;
        self.apply_to_one(Transition::Skip, task, Argument::Reason(&reason))
            .await
    }

    /// Ends a task by hand, whether it waits or runs. A worker that runs it has lost it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such task; [`Error::Conflict`] if it has ended.
    pub async fn cancel(self, task: Uuid) -> Result<()> {
        self.apply_to_one(Transition::Cancel, task, Argument::None)
            .await
    }

    async fn apply_to_one(
        self,
        transition: Transition,
        task: Uuid,
        argument: Argument<'_>,
    ) -> Result<()> {
        let rule: &'static Rule = transition.rule();
        let tasks = &[task];
        self.door
            .write(rule.name, async |tx: &mut Tx<'_>| {
                apply_to_one(
                    tx,
                    Change {
                        rule,
                        tasks,
                        argument,
                    },
                )
                .await
            })
            .await
    }
}

fn check(task: &NewTaskExecution) -> Result<()> {
    validate::name("task_name", &task.task_name)?;
    validate::name("queue", &task.queue)?;
    if task.max_attempts < 1 {
        return Err(Error::invalid(
            "max_attempts",
            format!("is {}; give 1 or more", task.max_attempts),
        ));
    }
    task.input
        .as_ref()
        .map_or(Ok(()), |input| validate::json("input", input))
}

fn check_distinct(inserts: &[Insert<'_>]) -> Result<()> {
    let mut seen = HashSet::with_capacity(inserts.len());
    match inserts.iter().find(|insert| !seen.insert(insert.0)) {
        Some((id, _)) => Err(Error::invalid("id", format!("{id} is given to two tasks"))),
        None => Ok(()),
    }
}

/// Locks the pipelines and requires that each is there and takes tasks.
async fn require_open(connection: &mut Connection<'_>, pipelines: &[Uuid]) -> Result<()> {
    if pipelines.is_empty() {
        return Ok(());
    }
    let found: HashMap<Uuid, PipelineStatus> = pipeline_execution::lock(connection, pipelines)
        .await?
        .into_iter()
        .collect();
    for id in pipelines {
        match found.get(id) {
            None => {
                return Err(Error::NotFound {
                    what: "pipeline",
                    id: *id,
                });
            }
            Some(PipelineStatus::Cancelled) => {
                return Err(Error::PipelineClosed {
                    pipeline: *id,
                    found: PipelineStatus::Cancelled,
                });
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Requires that none of the tasks is there. Names the first that is, whatever order the database has them in.
async fn require_absent(connection: &mut Connection<'_>, tasks: &[Uuid]) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let existing: HashMap<Uuid, TaskStatus> = task_execution::existing(connection, tasks)
        .await?
        .into_iter()
        .collect();
    let first = tasks
        .iter()
        .find_map(|task| Some((*task, *existing.get(task)?)));
    match first {
        None => Ok(()),
        Some((task, found)) => Err(Error::Conflict(Conflict {
            task,
            expected: Vec::new(),
            found: Some(found),
        })),
    }
}
