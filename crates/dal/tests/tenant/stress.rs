//! Tenants side by side in a few connections each, with futures that are dropped at any poll and sessions that are left
//! dirty: what one makes is in its schema, all of it, and nowhere else.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use fastrand::Rng;
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::{Claim, NewPipelineExecution, NewTaskExecution, Worker};
use taskbox_test_support::{TestDatabase, canary::PAYLOAD, invariants};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    support::poll::{Moment, poll_times},
    tenant,
};

taskbox_test_support::suite! {
    postgres: [tenants_side_by_side_never_meet],
}

/// Who works in each.
const HANDS: usize = 3;
const CALLS: usize = 40;

/// Where a session may be left to look, and what else it may be left with.
const DIRT: [&str; 6] = [
    "SET search_path TO public",
    "SET search_path TO tenant_a, tenant_b, public",
    "SET search_path TO tenant_b, tenant_a; SET statement_timeout = '1s'",
    "SET ROLE pg_monitor",
    "CREATE TEMP TABLE task_outbox (id BIGINT); SELECT pg_advisory_lock_shared(1)",
    "SET TIME ZONE 'Asia/Tokyo'; SET default_transaction_read_only = on",
];

async fn tenants_side_by_side_never_meet(db: &TestDatabase) {
    let seed = fastrand::u64(..);
    let mut seeds = Rng::with_seed(seed);
    let public = DAL::builder(db.url()).pool_size(2).connect().await.unwrap();
    let tenants = [
        ("public", public),
        ("tenant_a", tenant(db, "tenant_a").await),
        ("tenant_b", tenant(db, "tenant_b").await),
    ];
    let mut hands = JoinSet::new();
    for (name, dal) in tenants.iter().cycle().take(HANDS * tenants.len()) {
        hands.spawn(Hand::new(name, dal.clone(), seeds.fork()).await.work());
    }
    let mut made: Vec<(&str, Vec<Uuid>)> = Vec::new();
    while let Some(hand) = hands.join_next().await {
        made.push(hand.unwrap_or_else(|error| panic!("{error}, with the seed {seed}")));
    }
    for (name, _) in &tenants {
        let within = db.within(name);
        assert_is_alone(&within, name, seed).await;
        for id in made
            .iter()
            .filter(|(of, _)| of == name)
            .flat_map(|(_, ids)| ids)
        {
            let count = format!("SELECT count(*) FROM task_executions WHERE id = '{id}'");
            assert_eq!(within.query_i64(&count).await, 1, "with the seed {seed}");
        }
        invariants::assert(&within).await;
    }
}

/// Whatever is here has the name of the tenant.
async fn assert_is_alone(within: &TestDatabase, name: &str, seed: u64) {
    let strangers = format!(
        "SELECT (SELECT count(*) FROM task_executions WHERE task_name <> '{name}')
        + (SELECT count(*) FROM pipeline_executions WHERE name <> '{name}')
        + (SELECT count(*) FROM task_workers WHERE name <> '{name}')"
    );
    assert_eq!(
        within.query_i64(&strangers).await,
        0,
        "in {name}, with the seed {seed}"
    );
    let made = "SELECT count(*) FROM task_executions";
    assert!(within.query_i64(made).await > 0, "with the seed {seed}");
}

/// One who works for a tenant.
struct Hand {
    name: &'static str,
    dal: DAL,
    random: Rng,
    worker: Worker,
    claims: Vec<Claim>,
    /// The tasks that it was told are made.
    made: Vec<Uuid>,
}

impl Hand {
    async fn new(name: &'static str, dal: DAL, random: Rng) -> Self {
        Self {
            name,
            worker: dal.worker().register(name).await.unwrap(),
            dal,
            random,
            claims: Vec::new(),
            made: Vec::new(),
        }
    }

    async fn work(mut self) -> (&'static str, Vec<Uuid>) {
        for _ in 0..CALLS {
            if let Err(error) = self.call().await {
                let is_refusal = matches!(error, Error::Conflict(_) | Error::LeaseLost { .. });
                assert!(is_refusal, "{}: {error:?}", self.name);
            }
        }
        (self.name, self.made)
    }

    fn new_task(&self) -> NewTaskExecution {
        NewTaskExecution::standalone(self.name)
            .input(PAYLOAD)
            .id(Uuid::now_v7())
    }

    async fn call(&mut self) -> Result<()> {
        match self.random.u8(0..10) {
            0 => self.create().await,
            1 => self.create_pipeline().await,
            2..4 => self.claim().await,
            4 => self.end().await,
            5..7 => self.leave_dirty().await,
            7 => self.fail_dirty().await,
            8 => self.look().await,
            _ => self.drop_half_way().await,
        }
    }

    async fn create(&mut self) -> Result<()> {
        let task = self.dal.task_execution().create(self.new_task()).await?.id;
        self.made.push(task);
        self.dal.task_execution().mark_ready(task).await
    }

    async fn create_pipeline(&mut self) -> Result<()> {
        let new = NewPipelineExecution::new(self.name);
        let pipeline = self.dal.pipeline_execution().create(new).await?.id;
        let first = NewTaskExecution::new(pipeline, self.name).id(Uuid::now_v7());
        let id = first.id.unwrap();
        let second = NewTaskExecution::new(pipeline, self.name).after(&[id]);
        self.dal
            .task_execution()
            .create_many(vec![first, second])
            .await?;
        self.made.push(id);
        self.dal.task_execution().mark_ready(id).await
    }

    /// Nothing of another tenant is among what it gets.
    async fn claim(&mut self) -> Result<()> {
        let limit = self.random.i64(1..4);
        let claims = self.dal.task_execution().claim(&self.worker, limit).await?;
        assert!(claims.iter().all(|claim| claim.task_name() == self.name));
        self.claims.extend(claims);
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        let Some(claim) = self.claims.pop() else {
            return Ok(());
        };
        let tasks = self.dal.task_execution();
        match self.random.u8(0..3) {
            0 => tasks.fail(&claim, PAYLOAD).await,
            1 => tasks.schedule_retry(&claim, PAYLOAD, Duration::ZERO).await,
            _ => tasks.complete(&claim, None).await,
        }
    }

    /// Commits a task, and a session that looks elsewhere.
    async fn leave_dirty(&mut self) -> Result<()> {
        let (new, dirt) = (self.new_task(), *self.random.choice(&DIRT).unwrap());
        let task = self
            .dal
            .transaction(async |tx| make(tx, new, dirt).await)
            .await?;
        self.made.push(task);
        Ok(())
    }

    /// Makes a task and a dirty session, and then neither.
    async fn fail_dirty(&mut self) -> Result<()> {
        let (new, dirt) = (self.new_task(), *self.random.choice(&DIRT).unwrap());
        let last = self
            .random
            .choice(["SELECT 1", "SELECT 1 / 0", "COMMIT; BEGIN; SELECT 1 / 0"]);
        let last = last.unwrap();
        let failed = self.dal.transaction(async |tx| {
            let made = make(tx, new, dirt).await?;
            tx.postgres()?.batch_execute(last).await?;
            Err::<Uuid, _>(Error::NotFound {
                what: "task",
                id: made,
            })
        });
        assert!(failed.await.is_err());
        Ok(())
    }

    async fn look(&mut self) -> Result<()> {
        let recent = self
            .dal
            .task_execution()
            .list_by_status(taskbox_models::TaskStatus::Ready, 9);
        assert!(recent.await?.iter().all(|task| task.task_name == self.name));
        let workers = self.dal.worker().list(99).await?;
        assert!(workers.iter().all(|load| load.worker.name == self.name));
        Ok(())
    }

    /// After so few polls that most are not done, and some are.
    async fn drop_half_way(&mut self) -> Result<()> {
        let (new, dirt) = (self.new_task(), *self.random.choice(&DIRT).unwrap());
        let id = new.id.unwrap();
        let moment = *self.random.choice(&Moment::BOTH).unwrap();
        let polls = self.random.usize(1..12);
        let transaction = self.dal.transaction(async |tx| make(tx, new, dirt).await);
        if let Some(done) = poll_times(polls, moment, transaction).await {
            assert_eq!(done?, id);
            self.made.push(id);
        }
        Ok(())
    }
}

/// Makes a task, and leaves the session dirty.
async fn make(tx: &mut Tx<'_>, new: NewTaskExecution, dirt: &str) -> Result<Uuid> {
    let made = tx.task_execution().create(new).await?;
    tx.task_execution().mark_ready(made.id).await?;
    tx.postgres()?.batch_execute(dirt).await?;
    Ok(made.id)
}
