//! Which new tasks wait for which, and what that means for each when it is made.

use std::collections::{BTreeSet, HashMap, HashSet};

use taskbox_models::{RunWhen, TaskStatus};
use uuid::Uuid;

use crate::{Error, Result, queries::task_execution::Insert};

/// What new tasks wait for.
pub(super) struct Graph {
    tasks: Vec<Node>,
    /// The new tasks.
    inside: HashSet<Uuid>,
}

/// A new task that waits for others.
struct Node {
    id: Uuid,
    pipeline: Uuid,
    run_when: RunWhen,
    dependencies: BTreeSet<Uuid>,
}

/// How the tasks begin.
#[derive(Default)]
pub(super) struct Start {
    open: HashMap<Uuid, i32>,
    /// Those whose dependencies have all ended as they need.
    pub(super) ready: Vec<Uuid>,
    /// Those of which a dependency ended otherwise than they need.
    pub(super) skipped: Vec<Uuid>,
}

impl Start {
    /// How many dependencies of a task have not ended.
    pub(super) fn open(&self, task: Uuid) -> i32 {
        self.open.get(&task).copied().unwrap_or_default()
    }
}

impl Graph {
    /// The graph of the tasks, of which none may wait for itself, and none of no pipeline for any.
    pub(super) fn new(inserts: &[Insert<'_>]) -> Result<Self> {
        let pipelines: HashMap<Uuid, Option<Uuid>> = inserts
            .iter()
            .map(|insert| (insert.id, insert.new.pipeline_execution_id))
            .collect();
        let mut tasks = Vec::new();
        for Insert { id, new, .. } in inserts {
            if new.after.is_empty() {
                continue;
            }
            let Some(pipeline) = new.pipeline_execution_id else {
                let problem = format!("is given to task {id}, which is of no pipeline");
                return Err(Error::invalid("after", problem));
            };
            for dependency in &new.after {
                if let Some(found) = pipelines.get(dependency) {
                    require_same(pipeline, *dependency, *found)?;
                }
            }
            tasks.push(Node {
                id: *id,
                pipeline,
                run_when: new.run_when,
                dependencies: new.after.iter().copied().collect(),
            });
        }
        let inside = pipelines.into_keys().collect();
        let graph = Self { tasks, inside };
        graph.require_no_circle()?;
        Ok(graph)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The dependencies that must be there already.
    pub(super) fn outside(&self) -> Vec<Uuid> {
        let dependencies = self.tasks.iter().flat_map(|task| &task.dependencies);
        let outside = dependencies.filter(|id| !self.inside.contains(id));
        outside
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// The tasks that wait, each in the same place as what it waits for.
    pub(super) fn edges(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        let edges = self.tasks.iter();
        edges
            .flat_map(|task| task.dependencies.iter().map(|id| (task.id, *id)))
            .unzip()
    }

    /// How the tasks begin, from what was found of the dependencies outside.
    pub(super) fn start(&self, found: &[(Uuid, Option<Uuid>, TaskStatus)]) -> Result<Start> {
        let found: HashMap<_, _> = found
            .iter()
            .map(|(id, pipeline, status)| (*id, (*pipeline, *status)))
            .collect();
        let mut start = Start::default();
        for task in &self.tasks {
            let mut open = 0;
            let mut fails = false;
            for id in &task.dependencies {
                if self.inside.contains(id) {
                    open += 1;
                    continue;
                }
                let (pipeline, status) = *found.get(id).ok_or(Error::NotFound {
                    what: "dependency",
                    id: *id,
                })?;
                require_same(task.pipeline, *id, pipeline)?;
                open += i32::from(!status.is_terminal());
                fails |= status.is_terminal() && status != TaskStatus::Completed;
            }
            start.open.insert(task.id, open);
            if fails && task.run_when == RunWhen::AllCompleted {
                start.skipped.push(task.id);
            } else if open == 0 {
                start.ready.push(task.id);
            }
        }
        Ok(start)
    }

    /// Takes away whatever waits for nothing that is left, until nothing is left.
    fn require_no_circle(&self) -> Result<()> {
        let mut waiting: HashMap<Uuid, usize> = HashMap::new();
        let mut dependents: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for task in &self.tasks {
            let inside = task
                .dependencies
                .iter()
                .filter(|id| self.inside.contains(id));
            for id in inside {
                *waiting.entry(task.id).or_default() += 1;
                dependents.entry(*id).or_default().push(task.id);
            }
        }
        let mut free: Vec<Uuid> = self.inside.iter().copied().collect();
        free.retain(|id| !waiting.contains_key(id));
        while let Some(id) = free.pop() {
            for dependent in dependents.remove(&id).unwrap_or_default() {
                if let Some(left) = waiting.get_mut(&dependent) {
                    *left -= 1;
                    if *left == 0 {
                        waiting.remove(&dependent);
                        free.push(dependent);
                    }
                }
            }
        }
        // The least, so that the answer is the same each time.
        match waiting.keys().min() {
            None => Ok(()),
            Some(id) => {
                let problem = format!("makes task {id} wait for itself, in a circle");
                Err(Error::invalid("after", problem))
            }
        }
    }
}

fn require_same(pipeline: Uuid, dependency: Uuid, found: Option<Uuid>) -> Result<()> {
    if found == Some(pipeline) {
        return Ok(());
    }
    let problem = format!("names task {dependency}, which is not of pipeline {pipeline}");
    Err(Error::invalid("after", problem))
}
