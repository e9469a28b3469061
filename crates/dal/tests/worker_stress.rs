//! Eight workers claim, end, cancel, recover and redrive the same few tasks, with dependencies among them, while their
//! pipelines are paused, resumed and cancelled: nothing but refusals reaches them, the database stays whole, and
//! nothing is stranded.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use fastrand::Rng;
use taskbox_dal::{DAL, Error, Result};
use taskbox_models::{
    Claim, NewPipelineExecution, NewTaskExecution, PipelineStatus, RunWhen, TaskStatus, Worker,
};
use taskbox_test_support::{TestDatabase, canary::PAYLOAD};
use tokio::task::JoinSet;
use uuid::Uuid;

taskbox_test_support::suite! {
    both: [workers_of_one_pool_see_nothing_but_refusals],
    sqlite: [workers_of_several_pools_see_nothing_but_refusals],
}

const WORKERS: usize = 8;
const CALLS: usize = 25;
const ROUNDS: usize = 4;

/// What the workers meet on.
#[derive(Clone)]
struct Field {
    pipelines: Vec<Uuid>,
    tasks: Vec<Uuid>,
    /// Of tasks that are no longer theirs, mostly.
    old_claims: Vec<Claim>,
}

impl Field {
    async fn make(dal: &DAL, random: &mut Rng) -> Self {
        let mut field = Self {
            pipelines: Vec::new(),
            tasks: Vec::new(),
            old_claims: Vec::new(),
        };
        for _ in 0..3 {
            let new = NewPipelineExecution::new("p");
            let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
            field.pipelines.push(pipeline);
            let mut new = graph(pipeline, random);
            new.push(NewTaskExecution::standalone("t").input(PAYLOAD));
            let made = dal.task_execution().create_many(new).await.unwrap();
            field.tasks.extend(made.iter().map(|task| task.id));
        }
        let moved = dal.task_execution().mark_ready_many(&field.tasks).await;
        assert!(!moved.unwrap().moved.is_empty());
        let worker = dal.worker().register("old").await.unwrap();
        field.old_claims = dal.task_execution().claim(&worker, 3).await.unwrap();
        dal.worker().deregister(worker).await.unwrap();
        field
    }
}

impl Field {
    /// Ends everything that can end, as a quiet worker would, and finds that this is everything.
    async fn work_off(&self, dal: &DAL, seed: u64) {
        let tasks = || dal.task_execution();
        for pipeline in &self.pipelines {
            // Most are not paused.
            let _ = dal.pipeline_execution().resume(*pipeline).await;
            for task in tasks().list_by_pipeline(*pipeline).await.unwrap() {
                if task.status == TaskStatus::NotStarted && task.open_dependencies == 0 {
                    tasks().mark_ready(task.id).await.unwrap();
                }
            }
        }
        let worker = dal.worker().register("last").await.unwrap();
        while self.is_open(dal).await {
            let _ = tasks().recover_expired(100).await.unwrap();
            let claims = tasks().claim(&worker, 100).await.unwrap();
            let batch: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
            let ended = tasks().complete_many(&batch).await.unwrap();
            assert!(ended.refused.is_empty(), "with the seed {seed}");
        }
        dal.worker().deregister(worker).await.unwrap();
    }

    /// Whether a pipeline has not ended. One in which nothing can end any more would keep the test from its end.
    async fn is_open(&self, dal: &DAL) -> bool {
        for pipeline in &self.pipelines {
            let found = dal.pipeline_execution().get(*pipeline).await.unwrap();
            assert_ne!(found.status, PipelineStatus::Paused);
            if !found.status.is_terminal() {
                return true;
            }
        }
        false
    }
}

/// Tasks of which each waits for some of those before it.
fn graph(pipeline: Uuid, random: &mut Rng) -> Vec<NewTaskExecution> {
    let mut ids = Vec::new();
    let mut new = Vec::new();
    for _ in 0..8 {
        let number = random.usize(0..3).min(ids.len());
        let after: Vec<Uuid> = random.choose_multiple(ids.iter().copied(), number);
        let run_when = if random.bool() {
            RunWhen::AllDone
        } else {
            RunWhen::AllCompleted
        };
        let id = Uuid::now_v7();
        new.push(
            NewTaskExecution::new(pipeline, "t")
                .id(id)
                .after(&after)
                .run_when(run_when)
                .max_attempts(2),
        );
        ids.push(id);
    }
    new
}

/// One worker, with what it holds.
struct Hand {
    dal: DAL,
    /// Its leases last for a millisecond.
    hasty: DAL,
    field: Field,
    random: Rng,
    worker: Worker,
    claims: Vec<Claim>,
}

impl Hand {
    async fn work(mut self) {
        for _ in 0..CALLS {
            let result = self.call().await;
            match result {
                Ok(()) => {}
                Err(Error::LeaseLost { what: "worker", .. }) => self.register().await,
                Err(error) => assert!(is_refusal(&error), "{error}"),
            }
        }
        self.dal.worker().deregister(self.worker).await.unwrap();
    }

    async fn register(&mut self) {
        self.worker = self.dal.worker().register("w").await.unwrap();
        self.claims.clear();
    }

    async fn call(&mut self) -> Result<()> {
        match self.random.u8(0..20) {
            0..5 => self.claim().await,
            5..12 => self.end().await,
            12 => self.complete_all().await,
            13 => self.dal.worker().heartbeat(&self.worker).await.map(drop),
            14 => self.dal.task_execution().recover_expired(5).await.map(drop),
            15 => self.expire().await,
            _ => self.by_hand().await,
        }
    }

    async fn claim(&mut self) -> Result<()> {
        let limit = self.random.i64(1..4);
        let tasks = self.dal.task_execution();
        let claims = if self.random.bool() {
            tasks.claim(&self.worker, limit).await?
        } else {
            let queues = ["other", "default"];
            tasks.claim_from(&self.worker, &queues, limit).await?
        };
        self.claims.extend(claims);
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        let tasks = self.dal.task_execution();
        let Some(claim) = self.claims.pop() else {
            return Ok(());
        };
        let claim = &claim;
        match self.random.u8(0..6) {
            0 => tasks.fail(claim, PAYLOAD).await,
            1 => tasks.schedule_retry(claim, PAYLOAD, Duration::ZERO).await,
            2 => tasks.schedule_retry(claim, PAYLOAD, SOON).await,
            3 => tasks.defer(claim, SOON).await,
            4 => tasks.release(claim).await,
            _ => tasks.complete(claim, None).await,
        }
    }

    /// What it holds together with what it does not.
    async fn complete_all(&mut self) -> Result<()> {
        let mut claims = std::mem::take(&mut self.claims);
        claims.extend(self.field.old_claims.clone());
        self.random.shuffle(&mut claims);
        let batch: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
        self.dal
            .task_execution()
            .complete_many(&batch)
            .await
            .map(drop)
    }

    /// Renews its lease for so short a time that it is over.
    async fn expire(&mut self) -> Result<()> {
        self.hasty.worker().heartbeat(&self.worker).await.map(drop)
    }

    async fn by_hand(&mut self) -> Result<()> {
        let task = *self.random.choice(&self.field.tasks).unwrap();
        let pipeline = *self.random.choice(&self.field.pipelines).unwrap();
        let tasks = self.dal.task_execution();
        let pipelines = self.dal.pipeline_execution();
        match self.random.u8(0..12) {
            0 => tasks.cancel(task).await,
            1 | 2 => tasks.redrive(task).await,
            3 => tasks.skip(task, PAYLOAD).await,
            4 | 5 => tasks.mark_ready(task).await,
            6 => pipelines.cancel(pipeline).await,
            7 => pipelines.pause(pipeline, PAYLOAD).await,
            8 | 9 => pipelines.resume(pipeline).await,
            _ => {
                let new = NewTaskExecution::new(pipeline, "late").after(&[task]);
                tasks.create(new).await.map(drop)
            }
        }
    }
}

const SOON: Duration = Duration::from_micros(1);

/// Whether the call was refused for what it is about, and not for how the database was.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Conflict(_)
            | Error::LeaseLost { .. }
            | Error::PipelineClosed { .. }
            | Error::PipelineConflict { .. }
            | Error::InvalidInput { what: "after", .. }
    )
}

async fn stress(db: &TestDatabase, dals: Vec<DAL>) {
    let hasty = DAL::builder(db.url()).lease(Duration::from_millis(1));
    let hasty = hasty.pool_size(2).connect().await.unwrap();
    let seed = fastrand::u64(..);
    let mut seeds = Rng::with_seed(seed);
    for _ in 0..ROUNDS {
        let field = Field::make(&dals[0], &mut seeds).await;
        let mut workers = JoinSet::new();
        for dal in dals.iter().cycle().take(WORKERS) {
            let hand = Hand {
                dal: dal.clone(),
                hasty: hasty.clone(),
                field: field.clone(),
                random: seeds.fork(),
                worker: dal.worker().register("w").await.unwrap(),
                claims: Vec::new(),
            };
            workers.spawn(hand.work());
        }
        while let Some(worker) = workers.join_next().await {
            assert!(worker.is_ok(), "{worker:?}, with the seed {seed}");
        }
        field.work_off(&dals[0], seed).await;
    }
}

async fn workers_of_one_pool_see_nothing_but_refusals(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).pool_size(8).connect().await.unwrap();
    stress(db, vec![dal]).await;
}

/// As of several processes, which only the file's lock keeps apart.
async fn workers_of_several_pools_see_nothing_but_refusals(db: &TestDatabase) {
    let (one, other) = (DAL::connect(db.url()).await, DAL::connect(db.url()).await);
    stress(db, vec![one.unwrap(), other.unwrap()]).await;
}
