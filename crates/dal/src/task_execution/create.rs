use std::collections::{BTreeSet, HashMap, HashSet};

use taskbox_models::{Conflict, NewTaskExecution, PipelineStatus, TaskExecution, TaskStatus};
use uuid::Uuid;

use super::{TaskExecutionDAL, graph::Graph};
use crate::{
    Door, Error, Result, Tx,
    backend::Then,
    connection::Connection,
    queries::{
        pipeline_execution, task_dependency,
        task_execution::{self, Insert},
        transition::release,
    },
    validate,
};

impl<D: Door> TaskExecutionDAL<D> {
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
    /// A task that waits for others is `NotStarted` until they end. If they all have as it needs, it is `Ready` at once;
    /// if it needs one to complete that ended otherwise, it is `Skipped` at once. A task made in a pipeline that has
    /// completed or failed reopens it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a name, queue, input or trace that cannot be kept, for `max_attempts` below 1, for an id
    /// that two of the tasks share, and for dependencies of another pipeline, of a task of its own, or in a circle;
    /// [`Error::Conflict`] if there is a task of a chosen id; [`Error::NotFound`] if there is no such pipeline or
    /// dependency, [`Error::PipelineClosed`] if the pipeline is cancelled.
    pub async fn create_many(self, tasks: Vec<NewTaskExecution>) -> Result<Vec<TaskExecution>> {
        if let Err(error) = tasks.iter().try_for_each(check) {
            let inputs = tasks.into_iter().filter_map(|task| task.input);
            inputs.for_each(validate::discard);
            return Err(error);
        }
        let inserts: Vec<Insert<'_>> = tasks
            .iter()
            .map(|new| Insert {
                id: new.id.unwrap_or_else(Uuid::now_v7),
                new,
                open_dependencies: 0,
                trace_context: new.trace_context.as_ref(),
            })
            .collect();
        check_distinct(&inserts)?;
        if inserts.is_empty() {
            return Ok(Vec::new());
        }
        let graph = &Graph::new(&inserts)?;
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
                if graph.is_empty() {
                    return task_execution::insert(tx, inserts, Then::Nothing).await;
                }
                insert_graph(tx, inserts, graph).await
            })
            .await
    }
}

/// Inserts tasks of which some wait for others, and moves those that need not.
async fn insert_graph(
    tx: &mut Tx<'_>,
    inserts: &[Insert<'_>],
    graph: &Graph,
) -> Result<Vec<TaskExecution>> {
    let outside = graph.outside();
    let found = task_dependency::pipelines_of(&mut tx.connection, &outside).await?;
    let start = graph.start(&found)?;
    let inserts: Vec<_> = inserts
        .iter()
        .map(|insert| Insert {
            open_dependencies: start.open(insert.id),
            ..*insert
        })
        .collect();
    let made = task_execution::insert(tx, &inserts, Then::More).await?;
    let (tasks, dependencies) = graph.edges();
    tx.context.faults.reach("create: dependencies")?;
    task_dependency::insert(&mut tx.connection, &tasks, &dependencies).await?;
    if start.ready.is_empty() && start.skipped.is_empty() {
        return Ok(made);
    }
    release::latecomers(tx, start.skipped, &start.ready).await?;
    let ids: Vec<Uuid> = made.iter().map(|task| task.id).collect();
    let made = task_execution::get_many(&mut tx.connection, &ids).await?;
    let mut made: HashMap<Uuid, TaskExecution> =
        made.into_iter().map(|task| (task.id, task)).collect();
    Ok(ids.iter().filter_map(|id| made.remove(id)).collect())
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
    if let Some(context) = &task.trace_context {
        validate::trace_context(context)?;
    }
    task.input
        .as_ref()
        .map_or(Ok(()), |input| validate::json("input", input))
}

fn check_distinct(inserts: &[Insert<'_>]) -> Result<()> {
    let mut seen = HashSet::with_capacity(inserts.len());
    match inserts.iter().find(|insert| !seen.insert(insert.id)) {
        Some(Insert { id, .. }) => Err(Error::invalid("id", format!("{id} is given to two tasks"))),
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
