use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::Value;
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::{NewPipelineExecution, NewTaskExecution, RunWhen};
use uuid::Uuid;

/// A pipeline to be started: its tasks, their inputs, and which waits for which.
///
/// ```
/// use taskbox_dal::{DAL, Result};
/// use taskbox_executor::Pipeline;
/// use taskbox_models::{RunWhen, TaskStatus};
///
/// async fn import(dal: &DAL) -> Result<()> {
///     let import = Pipeline::new("import")
///         .task("fetch", "https://example.org/a").named("a")
///         .task("fetch", "https://example.org/b").named("b").max_attempts(9)
///         .task("index", ()).after(["a", "b"])
///         .task("report", ()).after(["index"]).run_when(RunWhen::AllDone).queue("mail")
///         .start(dal)
///         .await?;
///     assert_eq!(dal.task_outbox().count_pending().await?, 2); // "a" and "b"
///     let index = dal.task_execution().get(import.tasks["index"]).await?;
///     assert_eq!(index.status, TaskStatus::NotStarted);
///     Ok(())
/// }
/// # use taskbox_test_support::{Backend, TestDatabase, run};
/// # async fn example(db: &TestDatabase) { import(&DAL::connect(db.url()).await.unwrap()).await.unwrap() }
/// # fn main() { if cfg!(feature = "sqlite") { run(Backend::Sqlite, example) } }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `start`"]
pub struct Pipeline {
    name: String,
    steps: Vec<Step>,
    problem: Option<String>,
}

#[derive(Clone, Debug)]
struct Step {
    name: String,
    task: NewTaskExecution,
    after: Vec<String>,
}

/// What [`Pipeline::start`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedPipeline {
    /// The pipeline.
    pub pipeline_execution_id: Uuid,
    /// Its tasks, by their names within the pipeline.
    pub tasks: BTreeMap<String, Uuid>,
}

impl Pipeline {
    /// A pipeline of this name, without tasks.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            steps: Vec::new(),
            problem: None,
        }
    }

    /// Adds a task for the handler of this name, with its input: `()` for none. What follows is about this task, up to
    /// the next.
    pub fn task(mut self, task_name: impl Into<String>, input: impl Serialize) -> Self {
        let name = task_name.into();
        let mut task = NewTaskExecution::standalone(&name);
        match serde_json::to_value(input) {
            Ok(Value::Null) => {}
            Ok(input) => task = task.input(input),
            Err(error) => self.refuse(format!("of task {name:?} is no JSON: {error}")),
        }
        self.steps.push(Step {
            name,
            task,
            after: Vec::new(),
        });
        self
    }

    /// What the task is called within the pipeline; the name of its handler if nothing is said. No two have the same.
    pub fn named(self, name: impl Into<String>) -> Self {
        self.last(|step| step.name = name.into())
    }

    /// Waits for the end of these tasks of the pipeline, by their names in it. Those of an earlier call are kept.
    pub fn after<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.last(|step| step.after.extend(names.into_iter().map(str::to_owned)))
    }

    /// Which ends of the tasks that it waits for make it ready; [`RunWhen::AllCompleted`] if nothing is said.
    pub fn run_when(self, run_when: RunWhen) -> Self {
        self.last(|step| step.task.run_when = run_when)
    }

    /// How many attempts it has before it fails for good, at least 1; 5 if nothing is said.
    pub fn max_attempts(self, max_attempts: i32) -> Self {
        self.last(|step| step.task.max_attempts = max_attempts)
    }

    /// Higher is claimed first; 0 if nothing is said.
    pub fn priority(self, priority: i32) -> Self {
        self.last(|step| step.task.priority = priority)
    }

    /// The queue that it is claimed from; "default" if nothing is said.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        self.last(|step| step.task.queue = queue.into())
    }

    /// Makes the pipeline and its tasks, and those that wait for nothing are ready: all of it in one transaction.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if there is no task, for an input that is no JSON, for a name that two tasks have, that
    /// `after` cannot find, or that cannot be kept, and for tasks that wait in a circle.
    pub async fn start(&self, dal: &DAL) -> Result<StartedPipeline> {
        let plan = &self.plan()?;
        dal.transaction_with_retry(async |tx: &mut Tx<'_>| plan.make(tx).await)
            .await
    }

    /// Makes the same within a transaction of the program's own.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn start_in(&self, tx: &mut Tx<'_>) -> Result<StartedPipeline> {
        self.plan()?.make(tx).await
    }

    fn last(mut self, change: impl FnOnce(&mut Step)) -> Self {
        match self.steps.last_mut() {
            Some(step) => change(step),
            None => self.refuse("has a setting of a task before its first task".to_owned()),
        }
        self
    }

    /// Keeps the first problem for `start`.
    fn refuse(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    /// Gives everything its id.
    fn plan(&self) -> Result<Plan> {
        if let Some(problem) = &self.problem {
            return Err(invalid("the pipeline", problem));
        }
        if self.steps.is_empty() {
            return Err(invalid("the pipeline", "has no task, and would never end"));
        }
        let pipeline = Uuid::now_v7();
        let mut ids = HashMap::new();
        for step in &self.steps {
            if ids.insert(step.name.as_str(), Uuid::now_v7()).is_some() {
                let problem = format!(
                    "is {:?} for two tasks; tell them apart by `named`",
                    step.name
                );
                return Err(invalid("the name in the pipeline", problem));
            }
        }
        let mut tasks = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            tasks.push(step.plan(pipeline, &ids)?);
        }
        let name = self.name.clone();
        let ids = ids.into_iter().map(|(name, id)| (name.to_owned(), id));
        Ok(Plan {
            pipeline: NewPipelineExecution::new(name).id(pipeline),
            tasks,
            started: StartedPipeline {
                pipeline_execution_id: pipeline,
                tasks: ids.collect(),
            },
        })
    }
}

impl Step {
    fn plan(&self, pipeline: Uuid, ids: &HashMap<&str, Uuid>) -> Result<NewTaskExecution> {
        let mut task = self.task.clone();
        task.pipeline_execution_id = Some(pipeline);
        task.id = ids.get(self.name.as_str()).copied();
        for name in &self.after {
            let Some(id) = ids.get(name.as_str()) else {
                let problem = format!("names {name:?}, which the pipeline does not have");
                return Err(invalid("after", problem));
            };
            task.after.push(*id);
        }
        Ok(task)
    }
}

/// A pipeline with the ids of all that it will have.
struct Plan {
    pipeline: NewPipelineExecution,
    tasks: Vec<NewTaskExecution>,
    started: StartedPipeline,
}

impl Plan {
    async fn make(&self, tx: &mut Tx<'_>) -> Result<StartedPipeline> {
        tx.pipeline_execution()
            .create(self.pipeline.clone())
            .await?;
        tx.task_execution().create_many(self.tasks.clone()).await?;
        let roots = self.tasks.iter().filter(|task| task.after.is_empty());
        let roots: Vec<Uuid> = roots.filter_map(|task| task.id).collect();
        let ready = tx.task_execution().mark_ready_many(&roots).await?;
        match ready.refused.into_iter().next() {
            Some(conflict) => Err(conflict.into()),
            None => Ok(self.started.clone()),
        }
    }
}

fn invalid(what: &'static str, problem: impl Into<String>) -> Error {
    Error::InvalidInput {
        what,
        problem: problem.into(),
    }
}
