//! Taskbox: one executor, or many that share its concurrency, each with a handle of its own as another program has it.

use anyhow::{Result, ensure};
use async_trait::async_trait;
use taskbox_dal::DAL;
use taskbox_executor::{Executor, ExecutorHandle};
use taskbox_models::NewTaskExecution;

use crate::database::Backend;
use crate::peer::{About, Mode, Peer, Queue, Starts, Worker, pieces};
use crate::settings::{BATCH, PRODUCER_CONNECTIONS, taskbox};

const TASK: &str = "noop";

pub(crate) const ONE: Taskbox = Taskbox {
    name: "Taskbox",
    executors: 1,
};

pub(crate) const MANY: Taskbox = Taskbox {
    name: "Taskbox, 16 executors",
    executors: taskbox::MANY,
};

pub(crate) struct Taskbox {
    name: &'static str,
    executors: usize,
}

#[async_trait]
impl Peer for Taskbox {
    fn about(&self) -> About {
        About {
            name: self.name,
            package: "taskbox-executor",
            keeps: "the task and 4 events",
            unfinished: "SELECT count(*) FROM task_executions WHERE status <> 'Completed'",
        }
    }

    fn settings(&self, mode: Mode) -> String {
        let executors = self.executors;
        match mode {
            Mode::Throughput => format!("{executors} × {}", taskbox::CONCURRENCY / executors),
            Mode::Latency | Mode::Defaults => format!("{executors} × 16"),
        }
    }

    async fn open(&self, _backend: Backend, url: &str, mode: Mode) -> Result<Box<dyn Queue>> {
        let connections = PRODUCER_CONNECTIONS as usize;
        let maker = DAL::builder(url).pool_size(connections).connect().await?;
        maker.migrate().await?;
        Ok(Box::new(Tasks {
            maker,
            mode,
            url: url.to_owned(),
            executors: self.executors,
        }))
    }
}

struct Tasks {
    maker: DAL,
    mode: Mode,
    url: String,
    executors: usize,
}

#[async_trait]
impl Queue for Tasks {
    async fn enqueue(&self, jobs: usize) -> Result<()> {
        for piece in pieces(jobs, BATCH) {
            let new = vec![NewTaskExecution::standalone(TASK); piece];
            let refused = self.maker.transaction(async |tx| {
                let made = tx.task_execution().create_many(new).await?;
                let made: Vec<_> = made.iter().map(|task| task.id).collect();
                let marked = tx.task_execution().mark_ready_many(&made).await?;
                Ok::<_, taskbox_dal::Error>(marked.refused)
            });
            ensure!(refused.await?.is_empty(), "a new task was refused");
        }
        Ok(())
    }

    async fn start(&self, starts: Starts) -> Result<Box<dyn Worker>> {
        let mut handles = Vec::new();
        for _ in 0..self.executors {
            handles.push(self.executor(starts.clone()).await?);
        }
        Ok(Box::new(Executors(handles)))
    }
}

impl Tasks {
    async fn executor(&self, starts: Starts) -> Result<ExecutorHandle> {
        let dal = DAL::builder(&self.url);
        let builder = if self.mode == Mode::Throughput {
            let dal = dal.pool_size(taskbox::CONNECTIONS).connect().await?;
            Executor::builder(dal).concurrency(taskbox::CONCURRENCY / self.executors)
        } else {
            Executor::builder(dal.connect().await?)
        };
        let executor = builder.task(TASK, async move |_ctx, (): ()| {
            starts.tell();
            Ok(())
        });
        Ok(executor.build()?.start())
    }
}

struct Executors(Vec<ExecutorHandle>);

#[async_trait]
impl Worker for Executors {
    async fn stop(self: Box<Self>) -> Result<()> {
        for executor in self.0 {
            executor.stop().await?;
        }
        Ok(())
    }
}
