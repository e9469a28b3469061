//! Leases: what is taken away, and what goes on.

use std::{
    future::pending,
    sync::{Arc, Mutex, mpsc as blocking},
    time::Duration,
};

use diesel_async::{
    AsyncPgConnection, RunQueryDsl,
    pooled_connection::{AsyncDieselConnectionManager, deadpool::Pool},
};
use taskbox_dal::{DAL, Error};
use taskbox_executor::{CancellationToken, Executor, TaskContext, TaskError};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use tokio::sync::mpsc;

use crate::support::{
    EXPIRE, builder, connect, connect_hasty, ended, events, expire_and_sweep, get, ready, until,
};

taskbox_test_support::suite! {
    both: [
    a_task_that_is_cancelled_hears_of_it,
    a_dead_workers_tasks_run_again,
    an_executor_that_was_swept_goes_on_as_a_new_worker,
    a_lease_that_was_over_for_a_moment_costs_nothing,
    handlers_that_block_every_thread_do_not_cost_the_lease,
    attempts_are_stopped_before_a_lease_is_over_that_cannot_be_renewed,
],
    postgres: [a_pool_of_the_programs_own_is_left_whole, a_pool_that_is_used_up_does_not_cost_the_lease],
}

const SHORT: Duration = Duration::from_millis(1_500);

async fn a_task_that_is_cancelled_hears_of_it(db: &TestDatabase) {
    let dal = connect_hasty(db, SHORT).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let (said, mut hears) = mpsc::channel(1);
    let executor = builder(&dal).task("wait", async move |ctx: TaskContext, (): ()| {
        said.send("begun").await?;
        ctx.cancellation().cancelled().await;
        said.send("cancelled").await?;
        Ok(())
    });
    let executor = executor.build().unwrap().start();
    assert_eq!(hears.recv().await, Some("begun"));
    dal.task_execution().cancel(task).await.unwrap();
    assert_eq!(hears.recv().await, Some("cancelled"));
    executor.stop().await.unwrap();
    assert_eq!(get(&dal, task).await.status, TaskStatus::Cancelled);
}

async fn a_dead_workers_tasks_run_again(db: &TestDatabase) {
    let dal = connect_hasty(db, SHORT).await;
    let task = ready(&dal, NewTaskExecution::standalone("a")).await;
    let dead = dal.worker().register("dead").await.unwrap();
    assert_eq!(dal.task_execution().claim(&dead, 1).await.unwrap().len(), 1);
    let executor = builder(&dal).task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    let found = until(&dal, task, TaskStatus::Completed).await;
    assert_eq!((found.attempt, found.recoveries), (2, 1));
    executor.stop().await.unwrap();
}

async fn an_executor_that_was_swept_goes_on_as_a_new_worker(db: &TestDatabase) {
    let dal = connect_hasty(db, SHORT).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let (said, mut hears) = mpsc::unbounded_channel();
    let executor = builder(&dal).task("wait", async move |ctx: TaskContext, (): ()| {
        said.send(ctx.epoch())?;
        if ctx.epoch() == 1 {
            ctx.cancellation().cancelled().await;
        }
        Ok(ctx.epoch())
    });
    let executor = executor.build().unwrap().start();
    assert_eq!(hears.recv().await, Some(1));
    expire_and_sweep(db, &connect(db).await).await;
    assert_eq!(hears.recv().await, Some(2));
    let found = until(&dal, task, TaskStatus::Completed).await;
    assert_eq!(found.output, Some(2.into()));
    executor.stop().await.unwrap();
    let claimed = events(&dal, task).await;
    let completed = claimed.iter().filter(|event| **event == "task_completed");
    assert_eq!(completed.count(), 1);
}

/// The end is refused while the lease is over, and is written once it is renewed.
async fn a_lease_that_was_over_for_a_moment_costs_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let (said, mut hears) = mpsc::unbounded_channel();
    let (go, gone) = blocking::channel::<()>();
    let gone = Arc::new(Mutex::new(gone));
    let executor = builder(&dal)
        .concurrency(1)
        .task("wait", async move |_ctx, (): ()| {
            said.send(())?;
            let gone = gone.lock().map_err(|_| TaskError::fail("poisoned"))?;
            tokio::task::block_in_place(|| gone.recv())?;
            Ok(())
        });
    let executor = executor.build().unwrap().start();
    hears.recv().await.unwrap();
    db.execute(EXPIRE).await;
    go.send(()).unwrap();
    let found = ended(&dal, task).await;
    assert_eq!(
        (found.status, found.attempt, found.recoveries),
        (TaskStatus::Completed, 1, 0)
    );
    executor.stop().await.unwrap();
}

/// Until the lease has been renewed so often that it would be over without.
async fn outlives_its_lease(db: &TestDatabase) {
    let renewals = "SELECT heartbeat_at FROM task_workers";
    let mut seen = db.query_text(renewals).await;
    for _ in 0..5 {
        loop {
            let now = db.query_text(renewals).await;
            if now != seen {
                seen = now;
                break;
            }
        }
    }
}

/// The executor's runtime has one thread, and its handler blocks it.
async fn handlers_that_block_every_thread_do_not_cost_the_lease(db: &TestDatabase) {
    let dal = connect_hasty(db, SHORT).await;
    let task = ready(&dal, NewTaskExecution::standalone("block")).await;
    let (begun, mut has_begun) = mpsc::unbounded_channel();
    let (go, gone) = blocking::channel::<()>();
    let gone = Arc::new(Mutex::new(gone));
    let url = db.url();
    let program = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let dal = DAL::builder(url).lease(SHORT).connect().await.unwrap();
            let stop = CancellationToken::new();
            let stopped = stop.clone();
            let executor = builder(&dal).task("block", async move |_ctx, (): ()| {
                begun.send(())?;
                gone.lock()
                    .map_err(|_| TaskError::fail("poisoned"))?
                    .recv()?;
                stop.cancel();
                Ok(())
            });
            let executor = executor.build().unwrap();
            executor.run_until(stopped.cancelled()).await.unwrap();
        });
    });
    has_begun.recv().await.unwrap();
    outlives_its_lease(db).await;
    let swept = dal.task_execution().recover_expired(10).await.unwrap();
    assert!(swept.recovered.is_empty());
    go.send(()).unwrap();
    let found = until(&dal, task, TaskStatus::Completed).await;
    assert_eq!(found.attempt, 1);
    tokio::task::spawn_blocking(|| program.join().unwrap())
        .await
        .unwrap();
}

/// On `SQLite` one who has a connection for long has the turn to write, and with it what heartbeats wait for.
async fn a_pool_that_is_used_up_does_not_cost_the_lease(db: &TestDatabase) {
    let dal = DAL::builder(db.url()).lease(SHORT).pool_size(1);
    let dal = dal.connect().await.unwrap();
    let task = ready(&dal, NewTaskExecution::standalone("a")).await;
    let executor = builder(&dal).task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    until(&connect(db).await, task, TaskStatus::Completed).await;
    dal.transaction(async |_tx| {
        outlives_its_lease(db).await;
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    executor.stop().await.unwrap();
}

/// While the table of the workers is away, heartbeats fail.
async fn attempts_are_stopped_before_a_lease_is_over_that_cannot_be_renewed(db: &TestDatabase) {
    let dal = connect_hasty(db, SHORT).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let (said, mut hears) = mpsc::channel(1);
    let executor = Executor::builder(dal.clone()).concurrency(1);
    let executor = executor.task("wait", async move |ctx: TaskContext, (): ()| {
        if ctx.epoch() > 1 {
            return Ok(());
        }
        said.send("begun").await?;
        ctx.cancellation().cancelled().await;
        said.send("stopped").await?;
        pending().await
    });
    let executor = executor.build().unwrap().start();
    assert_eq!(hears.recv().await, Some("begun"));
    db.execute("ALTER TABLE task_workers RENAME TO away").await;
    assert_eq!(hears.recv().await, Some("stopped"));
    db.execute("ALTER TABLE away RENAME TO task_workers").await;
    let found = until(&dal, task, TaskStatus::Completed).await;
    assert_eq!(found.attempt - found.recoveries, 1);
    executor.stop().await.unwrap();
}

async fn a_pool_of_the_programs_own_is_left_whole(db: &TestDatabase) {
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(db.url());
    let pool = Pool::builder(manager).max_size(4).build().unwrap();
    let dal = DAL::from_pool(pool.clone());
    let task = ready(&dal, NewTaskExecution::standalone("a")).await;
    let executor = builder(&dal).task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    until(&dal, task, TaskStatus::Completed).await;
    expire_and_renew(db).await;
    executor.stop().await.unwrap();
    let mut connections = Vec::new();
    for _ in 0..pool.status().size {
        let mut connection = pool.get().await.unwrap();
        diesel::sql_query("SELECT 1")
            .execute(&mut connection)
            .await
            .unwrap();
        connections.push(connection);
    }
}

/// Has the executor beat: its claims are refused once the lease is over, and it renews it at once.
async fn expire_and_renew(db: &TestDatabase) {
    db.execute(EXPIRE).await;
    let expired = "SELECT count(*) FROM task_workers WHERE lease_expires_at = registered_at";
    while db.query_i64(expired).await > 0 {}
}
