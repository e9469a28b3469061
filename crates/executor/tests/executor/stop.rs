//! How an executor stops.

use std::{future::pending, sync::Arc, time::Duration};

use taskbox_executor::{Executor, TaskContext, TaskError};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use tokio::sync::{Notify, mpsc};

use crate::support::{NEVER, builder, connect, connect_hasty, events, get, ready, until};

taskbox_test_support::suite! {
    both: [
        what_ends_within_the_grace_period_is_written,
        what_heeds_its_token_is_given_back_with_its_attempt,
        what_completes_after_its_token_fired_is_completed,
        what_does_not_heed_its_token_is_dropped_and_given_back,
        a_second_stop_gives_everything_back_at_once,
        an_executor_that_is_dropped_drops_its_attempts,
        nothing_is_left_of_an_executor_but_the_record,
    ],
    postgres: [a_worker_that_registers_while_it_is_stopped_deregisters],
}

const SOON: Duration = Duration::from_millis(1);

async fn what_ends_within_the_grace_period_is_written(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let late = NewTaskExecution::standalone("wait");
    let (begun, mut has_begun) = mpsc::channel(1);
    let open = Arc::new(Notify::new());
    let opened = Arc::clone(&open);
    let executor = builder(&dal)
        .grace_period(NEVER)
        .task("wait", async move |_ctx, (): ()| {
            begun.send(()).await?;
            open.notified().await;
            Ok(())
        });
    let executor = executor.build().unwrap().start();
    has_begun.recv().await.unwrap();
    let late = tokio::join!(executor.stop(), async {
        let late = ready(&dal, late).await;
        opened.notify_one();
        late
    });
    late.0.unwrap();
    assert_eq!(get(&dal, task).await.status, TaskStatus::Completed);
    assert_eq!(get(&dal, late.1).await.epoch, 0);
}

async fn what_heeds_its_token_is_given_back_with_its_attempt(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let (begun, mut has_begun) = mpsc::channel(1);
    let executor =
        builder(&dal)
            .grace_period(SOON)
            .task("wait", async move |ctx: TaskContext, (): ()| {
                begun.send(()).await?;
                ctx.cancellation().cancelled().await;
                Err::<(), _>(TaskError::retry("stopped"))
            });
    let executor = executor.build().unwrap().start();
    has_begun.recv().await.unwrap();
    executor.stop().await.unwrap();
    let found = get(&dal, task).await;
    assert_eq!((found.status, found.attempt), (TaskStatus::Ready, 0));
    let expected = [
        "task_created",
        "task_marked_ready",
        "task_claimed",
        "task_released",
    ];
    assert_eq!(events(&dal, task).await, expected);
}

async fn what_completes_after_its_token_fired_is_completed(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let (begun, mut has_begun) = mpsc::channel(1);
    let executor =
        builder(&dal)
            .grace_period(SOON)
            .task("wait", async move |ctx: TaskContext, (): ()| {
                begun.send(()).await?;
                ctx.cancellation().cancelled().await;
                Ok(())
            });
    let executor = executor.build().unwrap().start();
    has_begun.recv().await.unwrap();
    executor.stop().await.unwrap();
    assert_eq!(get(&dal, task).await.status, TaskStatus::Completed);
}

async fn what_does_not_heed_its_token_is_dropped_and_given_back(db: &TestDatabase) {
    let dal = connect_hasty(db, Duration::from_secs(6)).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let (begun, mut has_begun) = mpsc::channel(1);
    let executor = builder(&dal)
        .grace_period(SOON)
        .task("wait", async move |_ctx, (): ()| {
            begun.send(()).await?;
            pending::<()>().await;
            Ok(())
        });
    let executor = executor.build().unwrap().start();
    has_begun.recv().await.unwrap();
    executor.stop().await.unwrap();
    let found = get(&dal, task).await;
    assert_eq!((found.status, found.attempt), (TaskStatus::Ready, 0));
}

async fn a_second_stop_gives_everything_back_at_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready(&dal, NewTaskExecution::standalone("wait")).await;
    let (begun, mut has_begun) = mpsc::channel(1);
    let executor = builder(&dal)
        .grace_period(NEVER)
        .task("wait", async move |_ctx, (): ()| {
            begun.send(()).await?;
            pending::<()>().await;
            Ok(())
        });
    let executor = executor.build().unwrap().start();
    has_begun.recv().await.unwrap();
    let (first, second) = tokio::join!(executor.stop(), executor.stop());
    assert_eq!((first, second), (Ok(()), Ok(())));
    let found = get(&dal, task).await;
    assert_eq!((found.status, found.attempt), (TaskStatus::Ready, 0));
}

async fn an_executor_that_is_dropped_drops_its_attempts(db: &TestDatabase) {
    let dal = connect(db).await;
    ready(&dal, NewTaskExecution::standalone("wait")).await;
    let (begun, mut has_begun) = mpsc::channel(1);
    let executor = builder(&dal).task("wait", async move |_ctx, (): ()| {
        begun.send(()).await?;
        pending::<()>().await;
        Ok(())
    });
    let executor = executor.build().unwrap().start();
    has_begun.recv().await.unwrap();
    drop(executor);
    assert_eq!(has_begun.recv().await, None); // once the last clone of the handler is gone
}

async fn nothing_is_left_of_an_executor_but_the_record(db: &TestDatabase) {
    let dal = connect(db).await;
    let executor = Executor::builder(dal.clone()).task("a", async |_ctx, (): ()| Ok(()));
    let task = ready(&dal, NewTaskExecution::standalone("a")).await;
    let shutdown = async { drop(until(&dal, task, TaskStatus::Completed).await) };
    executor.build().unwrap().run_until(shutdown).await.unwrap();
    assert_eq!(db.query_i64("SELECT count(*) FROM task_workers").await, 0);
}

/// Its COMMIT waits until somebody opens the gate.
const GATE: &str = "
    CREATE TABLE gate (is_open bool);
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        WHILE NOT EXISTS (SELECT FROM gate) LOOP PERFORM pg_sleep(0.01); END LOOP;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON task_workers
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()";
const WAITING: &str = "
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'";

async fn a_worker_that_registers_while_it_is_stopped_deregisters(db: &TestDatabase) {
    db.execute(GATE).await;
    let dal = connect(db).await;
    let executor = builder(&dal).task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    while db.query_i64(WAITING).await == 0 {}
    let (stopped, ()) = tokio::join!(
        executor.stop(),
        db.execute("INSERT INTO gate VALUES (true)")
    );
    stopped.unwrap();
    assert_eq!(dal.worker().list(9).await.unwrap(), []);
}
