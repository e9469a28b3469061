//! The executor, and who makes tasks ready for it.

use std::time::{Duration, Instant};

use diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool::Pool};
use taskbox_dal::{AsyncSqliteConnection, DAL};
use taskbox_executor::{Executor, ExecutorHandle};
use taskbox_models::NewTaskExecution;
use taskbox_test_support::{Backend, TestDatabase};
use tokio::sync::mpsc;

use crate::Start;

/// Longer than any run: an executor that is not told starts nothing.
const NEVER: Duration = Duration::from_hours(24);

pub(crate) struct ByExecutor {
    maker: DAL,
    executor: ExecutorHandle,
    started: mpsc::UnboundedReceiver<Instant>,
}

impl ByExecutor {
    /// Whose tasks are made ready by the same handle.
    pub(crate) async fn here(database: &TestDatabase) -> Self {
        let dal = connect(database).await;
        Self::new(dal.clone(), dal).await
    }

    /// Whose tasks are made ready by a handle that shares nothing but the database, as that of another program.
    pub(crate) async fn elsewhere(database: &TestDatabase) -> Self {
        Self::new(connect(database).await, stranger(database).await).await
    }

    async fn new(dal: DAL, maker: DAL) -> Self {
        let mut wakeups = dal.wakeups();
        let (starts, started) = mpsc::unbounded_channel();
        let executor =
            Executor::builder(dal)
                .poll_interval(NEVER)
                .task("bench", async move |_ctx, (): ()| {
                    let now = Instant::now();
                    Ok(starts.send(now)?)
                });
        let executor = executor.build().expect("it has a task").start();
        while !wakeups.hears_others() {
            wakeups.next().await;
        }
        Self {
            maker,
            executor,
            started,
        }
    }

    pub(crate) async fn start(&mut self) -> Start {
        let tasks = self.maker.task_execution();
        let task = tasks.create(NewTaskExecution::standalone("bench")).await;
        let task = task.expect("nothing is wrong with it").id;
        let asked = Instant::now();
        tasks.mark_ready(task).await.expect("it has not started");
        let answered = Instant::now();
        let started = self.started.recv().await.expect("it starts");
        Start {
            asked,
            answered,
            started,
        }
    }

    pub(crate) async fn stop(self) {
        self.executor.stop().await.expect("nothing runs");
    }
}

pub(crate) async fn connect(database: &TestDatabase) -> DAL {
    let dal = DAL::connect(database.url()).await;
    dal.expect("the database is there")
}

/// On `SQLite` the handles of a program to one file know of each other, unless they are on pools of its own.
async fn stranger(database: &TestDatabase) -> DAL {
    match database.backend() {
        Backend::Postgres => connect(database).await,
        Backend::Sqlite => {
            let path = database.url().trim_start_matches("sqlite://").to_owned();
            let manager = AsyncDieselConnectionManager::<AsyncSqliteConnection>::new(path);
            let pool = Pool::builder(manager).max_size(1).build();
            DAL::from_pool(pool.expect("it is valid"))
        }
    }
}
