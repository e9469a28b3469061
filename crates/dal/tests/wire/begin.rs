//! A BEGIN that fails, when the statement that came with it is under way already.

use taskbox_dal::{DAL, Result};
use taskbox_models::{Claim, NewTaskExecution, TaskStatus, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{proxy::Proxy, task};

taskbox_test_support::suite! {
    postgres: [
        a_task_is_made_once,
        a_task_is_made_ready_once,
        a_task_is_claimed_for_who_is_told_so,
        a_task_is_completed_once,
        a_task_is_given_back_once,
    ],
}

/// With one connection, on which each of the calls has been made before.
struct Bench {
    proxy: Proxy,
    dal: DAL,
    worker: Worker,
}

impl Bench {
    async fn new(db: &TestDatabase) -> Self {
        let proxy = Proxy::before(&db.url());
        let dal = DAL::builder(proxy.url()).pool_size(1).connect();
        let dal = dal.await.unwrap();
        let worker = dal.worker().register("w").await.unwrap();
        let bench = Self { proxy, dal, worker };
        for _ in 0..2 {
            let claim = bench.claimed().await;
            bench.dal.task_execution().release(&claim).await.unwrap();
            let again = bench.claim().await.unwrap();
            let tasks = bench.dal.task_execution();
            tasks.complete(&again[0], None).await.unwrap();
        }
        bench
    }

    async fn ready(&self) -> Uuid {
        let task = task::create(&self.dal).await;
        self.dal.task_execution().mark_ready(task).await.unwrap();
        task
    }

    async fn claim(&self) -> Result<Vec<Claim>> {
        self.dal.task_execution().claim(&self.worker, 1).await
    }

    async fn claimed(&self) -> Claim {
        self.ready().await;
        self.claim().await.unwrap().remove(0)
    }

    /// What a call answers whose first BEGIN fails.
    async fn begin_in_vain<T>(&self, call: impl AsyncFnOnce() -> Result<T>) -> T {
        self.proxy.spoil_begin();
        let answer = call().await.unwrap();
        assert_eq!(self.proxy.begun(), 2);
        answer
    }

    async fn assert_is(&self, task: Uuid, status: TaskStatus, events: usize) {
        let found = self.dal.task_execution().get(task).await.unwrap();
        assert_eq!(found.status, status);
        let history = self.dal.execution_event().list_by_task(task).await.unwrap();
        assert_eq!(history.len(), events, "{history:?}");
    }
}

async fn a_task_is_made_once(db: &TestDatabase) {
    let bench = Bench::new(db).await;
    let new = NewTaskExecution::standalone("t");
    let made = async || bench.dal.task_execution().create(new).await;
    let made = bench.begin_in_vain(made).await;
    bench.assert_is(made.id, TaskStatus::NotStarted, 1).await;
}

async fn a_task_is_made_ready_once(db: &TestDatabase) {
    let bench = Bench::new(db).await;
    let task = task::create(&bench.dal).await;
    let marked = async || bench.dal.task_execution().mark_ready(task).await;
    bench.begin_in_vain(marked).await;
    bench.assert_is(task, TaskStatus::Ready, 2).await;
}

async fn a_task_is_claimed_for_who_is_told_so(db: &TestDatabase) {
    let bench = Bench::new(db).await;
    let task = bench.ready().await;
    let claims = bench.begin_in_vain(async || bench.claim().await).await;
    assert_eq!(claims[0].task_execution_id(), task);
    bench.assert_is(task, TaskStatus::Running, 3).await;
}

async fn a_task_is_completed_once(db: &TestDatabase) {
    let bench = Bench::new(db).await;
    let claim = bench.claimed().await;
    let completed = async || bench.dal.task_execution().complete(&claim, None).await;
    bench.begin_in_vain(completed).await;
    let task = claim.task_execution_id();
    bench.assert_is(task, TaskStatus::Completed, 4).await;
}

async fn a_task_is_given_back_once(db: &TestDatabase) {
    let bench = Bench::new(db).await;
    let claim = bench.claimed().await;
    let released = async || bench.dal.task_execution().release(&claim).await;
    bench.begin_in_vain(released).await;
    let task = claim.task_execution_id();
    bench.assert_is(task, TaskStatus::Ready, 4).await;
}
