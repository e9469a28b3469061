//! Eight workers do whatever comes, to the same few tasks: nothing but refusals reaches them, and the database
//! stays whole.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use fastrand::Rng;
use taskbox_dal::{DAL, Error, Tx};
use taskbox_models::{NewPipelineExecution, NewTaskExecution};
use taskbox_test_support::TestDatabase;
use tokio::task::JoinSet;
use uuid::Uuid;

mod support {
    #[expect(dead_code, reason = "the calls of workers have a stress of their own")]
    pub(crate) mod call;
}

use support::call::Call;

taskbox_test_support::suite! {
    both: [workers_of_one_pool_see_nothing_but_refusals],
    sqlite: [workers_of_several_pools_see_nothing_but_refusals],
}

const WORKERS: usize = 8;
/// So few that most tasks are still live when they meet; then all begin anew.
const CALLS: usize = 8;
const ROUNDS: usize = 10;

/// What the workers meet on: small enough that they do.
#[derive(Clone)]
struct Field {
    pipelines: Vec<Uuid>,
    tasks: Vec<Uuid>,
}

impl Field {
    async fn make(dal: &DAL) -> Self {
        let mut field = Self {
            pipelines: Vec::new(),
            tasks: Vec::new(),
        };
        for _ in 0..3 {
            let new = NewPipelineExecution::new("p");
            let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
            field.pipelines.push(pipeline);
            let mut new = vec![NewTaskExecution::new(pipeline, "t"); 4];
            new.push(NewTaskExecution::standalone("t"));
            let made = dal.task_execution().create_many(new).await.unwrap();
            field.tasks.extend(made.iter().map(|task| task.id));
        }
        field
    }

    fn any_call(&self, random: &mut Rng) -> Call {
        let task = *random.choice(&self.tasks).unwrap();
        match random.u8(0..21) {
            0..5 => Call::MarkReady(task),
            5..10 => {
                let mut tasks = random.choose_multiple(&self.tasks, 5);
                random.shuffle(&mut tasks);
                Call::MarkReadyMany(tasks.into_iter().copied().collect())
            }
            10..13 => Call::Schedule(task),
            13 => Call::Skip(task),
            14..16 => Call::Cancel(task),
            16..18 => Call::Create(*random.choice(&self.pipelines).unwrap()),
            18 => Call::CreateRow(task),
            19 => Call::DeleteRow(task),
            _ => Call::Lock(task),
        }
    }
}

/// Whether the call was refused for what it is about, and not for how the database was.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Conflict(_) | Error::NotFound { .. } | Error::PipelineClosed { .. }
    )
}

async fn work(dal: DAL, field: Field, mut random: Rng) {
    for _ in 0..CALLS {
        let call = field.any_call(&mut random);
        let result = if random.bool() {
            call.on(&dal).await
        } else {
            let call = &call;
            dal.transaction_with_retry(async |tx: &mut Tx<'_>| call.within(tx).await)
                .await
        };
        if let Err(error) = result {
            assert!(is_refusal(&error), "{call:?}: {error}");
        }
    }
}

async fn stress(dals: Vec<DAL>) {
    let seed = fastrand::u64(..);
    let mut seeds = Rng::with_seed(seed);
    for _ in 0..ROUNDS {
        let field = Field::make(&dals[0]).await;
        let mut workers = JoinSet::new();
        for dal in dals.iter().cycle().take(WORKERS) {
            workers.spawn(work(dal.clone(), field.clone(), seeds.fork()));
        }
        while let Some(worker) = workers.join_next().await {
            assert!(worker.is_ok(), "{worker:?}, with the seed {seed}");
        }
    }
}

async fn workers_of_one_pool_see_nothing_but_refusals(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).pool_size(8).connect().await.unwrap();
    stress(vec![dal]).await;
}

/// As of several processes, which only the file's lock keeps apart.
async fn workers_of_several_pools_see_nothing_but_refusals(db: &TestDatabase) {
    let (one, other) = (DAL::connect(db.url()).await, DAL::connect(db.url()).await);
    stress(vec![one.unwrap(), other.unwrap()]).await;
}
