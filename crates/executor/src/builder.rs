use std::{collections::HashMap, fmt, future::Future, process, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use taskbox_dal::DAL;
use tracing::Span;

use crate::{
    Error, Executor, Result, RetryPolicy, TaskContext, TaskError, handler::erase,
    settings::Settings, telemetry,
};

/// More attempts at once than that are a mistake, and more than one claim should take.
const MAX_CONCURRENCY: usize = 10_000;
/// How many queues one claim may name.
const MAX_QUEUES: usize = 100;
/// A century, which is as far as the databases count.
const MAX_RETENTION: Duration = taskbox_dal::limits::MAX_DELAY;

/// The settings of an [`Executor`], from [`Executor::builder`].
#[must_use = "nothing happens before `build`"]
pub struct ExecutorBuilder {
    dal: DAL,
    settings: Settings,
    problem: Option<Error>,
}

impl ExecutorBuilder {
    pub(crate) fn new(dal: DAL) -> Self {
        let settings = Settings {
            name: format!("executor-{}", process::id()),
            tasks: HashMap::new(),
            queues: Vec::new(),
            concurrency: 16,
            retry: RetryPolicy::default(),
            on_attempt: None,
            watch_queues: None,
            poll_interval: Duration::from_secs(30),
            grace_period: Duration::from_secs(10),
            retention: Some(Duration::from_hours(30 * 24)),
        };
        Self {
            dal,
            settings,
            problem: None,
        }
    }

    /// The code of the tasks of this name: an async closure or function of the context and the input, which answers
    /// with the output. Input and output are JSON, by serde: `()` for none.
    ///
    /// It is cloned for each attempt, and so is what it has captured.
    pub fn task<F, I, O, Fut>(mut self, name: impl Into<String>, run: F) -> Self
    where
        F: FnOnce(TaskContext, I) -> Fut + Clone + Send + Sync + 'static,
        I: DeserializeOwned + Send,
        O: Serialize + Send,
        Fut: Future<Output = Result<O, TaskError>> + Send + 'static,
    {
        let name = name.into();
        if self.settings.tasks.contains_key(&name) {
            let problem = format!("{name:?} is given twice; one name has one handler");
            self.refuse(Error::invalid("task", problem));
        }
        self.settings.tasks.insert(name, erase(run));
        self
    }

    /// Takes tasks from this queue, so many at once at the most. If no queue is named, it takes them from all.
    ///
    /// With queues that are named, a claim is one statement for each that has room, all in one transaction.
    pub fn queue(mut self, name: impl Into<String>, limit: usize) -> Self {
        let name = name.into();
        if limit == 0 {
            let problem = format!("{name:?} has a limit of 0; give 1 or more, or leave it out");
            self.refuse(Error::invalid("queue", problem));
        }
        if self.settings.queues.iter().any(|(queue, _)| *queue == name) {
            let problem = format!("{name:?} is given twice");
            self.refuse(Error::invalid("queue", problem));
        }
        self.settings.queues.push((name, limit));
        self
    }

    /// How many attempts run at once at the most: from 1 to 10,000. Default: 16.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.settings.concurrency = concurrency;
        self
    }

    /// How long tasks wait after an attempt that failed. Default: from 1 second on, doubling, up to 10 minutes, with a
    /// jitter of a quarter.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.settings.retry = policy;
        self
    }

    /// Calls this before each attempt, with its span (`attempt`): to make that a part of the trace that the task was made
    /// in ([`TaskContext::trace_context`]). Default: the span begins a trace of its own.
    ///
    /// It must not block; a panic in it is a failed attempt. [The page on tracing] has it with OpenTelemetry.
    ///
    /// [The page on tracing]: https://github.com/taskbox/taskbox/blob/main/docs/tracing.md
    pub fn on_attempt(
        mut self,
        call: impl Fn(&TaskContext, &Span) + Send + Sync + 'static,
    ) -> Self {
        self.settings.on_attempt = Some(Arc::new(call));
        self
    }

    /// Tells the [metrics] so often how many tasks wait in each queue of the database, and for how long the oldest has.
    /// Default: never.
    ///
    /// Each time reads the whole outbox once, so one executor of many is enough, and a minute is often.
    ///
    /// [metrics]: https://github.com/taskbox/taskbox/blob/main/docs/metrics.md
    pub fn watch_queues(mut self, every: Duration) -> Self {
        self.settings.watch_queues = Some(every);
        self
    }

    /// What the executor calls itself in the table of workers. Default: "executor-" and the id of the process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// The longest time between two looks for ready tasks while there are none. Default: 30 s.
    ///
    /// What becomes ready is heard of at once ([`DAL::wakeups`](taskbox_dal::DAL::wakeups)), and scheduled tasks are looked
    /// for when they are due. So this is how long a task can wait of which nobody was told: since the program that made it
    /// ready died at that moment, or the notification was lost. While other programs cannot be heard of at all, as behind a
    /// pooler that keeps notifications from its clients, the executor looks after 5 ms, and then more and more seldom, but
    /// each second at the least, or in this time if it is shorter.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.settings.poll_interval = interval;
        self
    }

    /// How long attempts may go on when the executor stops, before their tokens fire. Default: 10 s.
    pub fn grace_period(mut self, period: Duration) -> Self {
        self.settings.grace_period = period;
        self
    }

    /// How long pipelines and tasks of their own are kept after they have ended, with their history. Default: 30 days.
    ///
    /// What ended earlier, by the clock of the database, is deleted for good when the executor starts and once an hour,
    /// a bounded batch at a time; a pipeline goes as a whole. Claims never wait for it on Postgres, and on `SQLite` not
    /// longer than for any other writer. It is for all that is in the database, whoever ran it: of several executors the
    /// one with the shortest period decides.
    pub fn retention(mut self, period: Duration) -> Self {
        self.settings.retention = Some(period);
        self
    }

    /// Deletes nothing: what has ended stays, with its history.
    pub fn keep_forever(mut self) -> Self {
        self.settings.retention = None;
        self
    }

    /// The executor, which does nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a name or a queue that is given twice, for a limit, a concurrency, an interval, a retention or a jitter
    /// out of its range, and if there is no task to run; [`Error::Thread`] if the thread of the heartbeats cannot be made.
    pub fn build(self) -> Result<Executor> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        check(&self.settings)?;
        telemetry::describe();
        Executor::new(self.dal, self.settings)
    }

    /// Keeps the first problem for `build`.
    fn refuse(&mut self, problem: Error) {
        self.problem.get_or_insert(problem);
    }
}

fn check(settings: &Settings) -> Result<()> {
    if settings.tasks.is_empty() {
        return Err(Error::invalid(
            "task",
            "is never given; an executor needs one to run",
        ));
    }
    if !(1..=MAX_CONCURRENCY).contains(&settings.concurrency) {
        let problem = format!("is {}; give 1 to {MAX_CONCURRENCY}", settings.concurrency);
        return Err(Error::invalid("concurrency", problem));
    }
    if settings.queues.len() > MAX_QUEUES {
        let problem = format!(
            "is given {} times; {MAX_QUEUES} is the most",
            settings.queues.len()
        );
        return Err(Error::invalid("queue", problem));
    }
    if settings.poll_interval.is_zero() {
        return Err(Error::invalid(
            "poll_interval",
            "is 0; the database would be asked all the time",
        ));
    }
    if settings.watch_queues.is_some_and(|every| every.is_zero()) {
        return Err(Error::invalid(
            "watch_queues",
            "is 0; the database would be asked all the time",
        ));
    }
    if settings
        .retention
        .is_some_and(|period| period > MAX_RETENTION)
    {
        let problem = "is longer than a century; to delete nothing there is `keep_forever`";
        return Err(Error::invalid("retention", problem));
    }
    settings.retry.check()
}

impl fmt::Debug for ExecutorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorBuilder")
            .field("name", &self.settings.name)
            .finish_non_exhaustive()
    }
}
