//! Servers that go away, disks that are full, ends that are refused: what an executor does meanwhile, and that all is done
//! once when it is over.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use taskbox_dal::{DAL, Tx};
use taskbox_executor::{ExecutorHandle, RetryPolicy, TaskContext};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::{
    Backend, Disk, TestDatabase,
    canary::{PAYLOAD, hear},
};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::support::{builder, connect, deaf, ended, events, get, ledger, ready, until, warnings};

taskbox_test_support::suite! {
    both: [
        an_end_that_is_refused_holds_no_other_up,
        an_executor_that_cannot_claim_does_not_spin_whatever_it_hears,
    ],
    postgres: [tasks_are_found_if_every_notification_is_lost],
    alone: [an_executor_outlives_a_server_that_is_stopped_and_killed],
    cramped: [a_full_disk_holds_an_executor_up_and_loses_nothing],
    sqlite: [a_full_disk_holds_an_executor_up_and_loses_nothing],
}

const TASKS: usize = 200;

/// Tasks that each enter themselves in the ledger, once they have leave to.
async fn make(dal: &DAL) -> Vec<Uuid> {
    let new = NewTaskExecution::standalone("pay")
        .input(PAYLOAD)
        .max_attempts(10_000);
    let made = dal
        .task_execution()
        .create_many(vec![new; TASKS])
        .await
        .unwrap();
    let tasks: Vec<_> = made.iter().map(|task| task.id).collect();
    let moved = dal.task_execution().mark_ready_many(&tasks).await.unwrap();
    assert_eq!(moved.moved, tasks);
    tasks
}

fn pay(dal: &DAL, leave: &Arc<Semaphore>) -> ExecutorHandle {
    let leave = Arc::clone(leave);
    let executor = builder(dal)
        .retry(RetryPolicy::constant(Duration::from_millis(10)))
        .task("pay", async move |ctx: TaskContext, input: String| {
            hear(&format!("{ctx:?}"));
            leave.acquire().await?.forget();
            let enter = async |tx: &mut Tx<'_>| {
                ledger::enter(tx, &ctx).await?;
                Ok(input.clone())
            };
            ctx.complete_in(enter).await
        });
    executor.build().unwrap().start()
}

async fn all_is_paid_once(db: &TestDatabase, tasks: &[Uuid]) {
    let dal = connect(db).await;
    for task in tasks {
        assert_eq!(ended(&dal, *task).await.status, TaskStatus::Completed);
    }
    let paid = (ledger::rows(db).await, ledger::tasks(db).await);
    let all = i64::try_from(tasks.len()).unwrap();
    assert_eq!(paid, (all, all));
}

/// Since the last call, by this handle and its clones.
fn transactions_begun(dal: &DAL) -> usize {
    let reached = dal.faults().take_reached();
    reached.iter().filter(|point| **point == "begin").count()
}

fn each_was_said_once(outages: usize) {
    let said = warnings::heard();
    assert!(
        said.values().all(|errors| errors.len() <= outages),
        "{said:#?}"
    );
}

async fn an_executor_outlives_a_server_that_is_stopped_and_killed(db: &TestDatabase) {
    ledger::create(db).await;
    let dal = connect(db).await;
    let executor = pay(&dal, &Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)));
    let server = db.own_server();
    let mut tasks = Vec::new();
    for is_killed in [false, true] {
        let before = ledger::rows(db).await;
        tasks.extend(make(&dal).await);
        while ledger::rows(db).await < before + 20 {}
        if is_killed {
            server.kill().await;
        } else {
            server.stop().await;
            while !warnings::heard().contains_key("claiming") {
                tokio::task::yield_now().await;
            }
        }
        server.start_again().await;
    }
    all_is_paid_once(db, &tasks).await;
    executor.stop().await.unwrap();
    each_was_said_once(2);
}

/// On SQLite by a trigger with the words of the database, where the history would grow: the disk is not this test's.
async fn fill_disk(db: &TestDatabase) {
    match db.backend() {
        Backend::Postgres => db.own_server().fill(Disk::Tables).await,
        Backend::Sqlite => {
            db.execute(
                "CREATE TRIGGER full_disk BEFORE INSERT ON execution_events
                 BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END",
            )
            .await;
        }
    }
}

async fn free_disk(db: &TestDatabase) {
    match db.backend() {
        Backend::Postgres => db.own_server().free().await,
        Backend::Sqlite => db.execute("DROP TRIGGER full_disk").await,
    }
}

fn says_full(error: &str) -> bool {
    error.contains("No space left on device") || error.contains("disk is full")
}

async fn a_full_disk_holds_an_executor_up_and_loses_nothing(db: &TestDatabase) {
    ledger::create(db).await;
    let dal = connect(db).await;
    let tasks = make(&dal).await;
    let leave = Arc::new(Semaphore::new(0));
    let executor = pay(&dal, &leave);
    leave.add_permits(60);
    while ledger::rows(db).await < 60 {}
    // Those that wait for leave will have an end to write.
    while db.query_i64("SELECT count(*) FROM task_claims").await == 0 {}
    fill_disk(db).await;
    leave.add_permits(100 * TASKS);
    let mut begun = 0;
    while begun < 100 || !warnings::heard().contains_key("writing ends") {
        tokio::task::yield_now().await;
        begun += transactions_begun(&dal);
    }
    for errors in warnings::heard().values() {
        assert!(errors.iter().all(|error| says_full(error)), "{errors:#?}");
    }
    // A table that has no room for a whole batch may have had some for a few.
    assert!(ledger::rows(db).await < i64::try_from(TASKS).unwrap());
    free_disk(db).await;
    all_is_paid_once(db, &tasks).await;
    executor.stop().await.unwrap();
    each_was_said_once(1);
}

/// As if by a trigger of the program's own, or a row that somebody has locked.
async fn refuse(db: &TestDatabase, task: Uuid) {
    let task = db.uuid_literal(task);
    let sql = match db.backend() {
        Backend::Postgres => format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               RAISE 'not this one' USING ERRCODE = '55P03';
             END $$;
             CREATE TRIGGER refuse BEFORE UPDATE ON task_executions FOR EACH ROW
             WHEN (NEW.id = {task} AND NEW.status = 'Completed') EXECUTE FUNCTION refuse()"
        ),
        Backend::Sqlite => format!(
            "CREATE TRIGGER refuse BEFORE UPDATE ON task_executions
             WHEN NEW.id = {task} AND NEW.status = 'Completed'
             BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        ),
    };
    db.execute(&sql).await;
}

async fn an_end_that_is_refused_holds_no_other_up(db: &TestDatabase) {
    let dal = connect(db).await;
    let refused = dal
        .task_execution()
        .create(NewTaskExecution::standalone("a"))
        .await
        .unwrap()
        .id;
    refuse(db, refused).await;
    dal.task_execution().mark_ready(refused).await.unwrap();
    let executor = builder(&dal)
        .concurrency(2)
        .task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    until(&dal, refused, TaskStatus::Running).await;
    for _ in 0..20 {
        let other = ready(&dal, NewTaskExecution::standalone("a")).await;
        until(&dal, other, TaskStatus::Completed).await;
    }
    assert_eq!(get(&dal, refused).await.status, TaskStatus::Running);
    db.execute(match db.backend() {
        Backend::Postgres => "DROP TRIGGER refuse ON task_executions",
        Backend::Sqlite => "DROP TRIGGER refuse",
    })
    .await;
    until(&dal, refused, TaskStatus::Completed).await;
    let once = [
        "task_created",
        "task_marked_ready",
        "task_claimed",
        "task_completed",
    ];
    assert_eq!(events(&dal, refused).await, once);
    executor.stop().await.unwrap();
}

/// Between looks that fail are pauses of at least 25, 50, 100, 200 and 400 ms.
async fn an_executor_that_cannot_claim_does_not_spin_whatever_it_hears(db: &TestDatabase) {
    let dal = connect(db).await;
    let executor = builder(&dal).task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    // What a constraint refuses is not tried again before the executor does.
    let forbid =
        "ALTER TABLE task_claims ADD COLUMN forbidden INTEGER DEFAULT 0 CHECK (forbidden = 1)";
    db.execute(forbid).await;
    let task = ready(&dal, NewTaskExecution::standalone("a")).await;
    transactions_begun(&dal);
    let begun = Instant::now();
    let mut looks = 0;
    while looks < 6 {
        dal.announce();
        tokio::task::yield_now().await;
        looks += transactions_begun(&dal);
    }
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(350), "it spins: {took:?}");
    db.execute("ALTER TABLE task_claims DROP COLUMN forbidden")
        .await;
    until(&dal, task, TaskStatus::Completed).await;
    executor.stop().await.unwrap();
}

async fn tasks_are_found_if_every_notification_is_lost(db: &TestDatabase) {
    let proxy = deaf::Proxy::before(&db.url());
    let dal = connect(db).await;
    let behind = DAL::connect(proxy.url()).await.unwrap();
    let executor = builder(&behind)
        .poll_interval(Duration::from_millis(50))
        .task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    // It has tried whether it hears, and does.
    while proxy.passed() == 0 {
        tokio::task::yield_now().await;
    }
    proxy.loses_notifications();
    for _ in 0..5 {
        let task = ready(&dal, NewTaskExecution::standalone("a")).await;
        until(&dal, task, TaskStatus::Completed).await;
    }
    dal.announced().await;
    while proxy.lost() == 0 {
        tokio::task::yield_now().await;
    }
    executor.stop().await.unwrap();
}
