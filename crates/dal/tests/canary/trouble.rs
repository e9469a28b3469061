//! Every kind of error that a handle answers with, of calls that were given the payload.

use std::time::Duration;

use diesel::sql_query;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::{Claim, NewPipelineExecution, NewTaskExecution};
use taskbox_test_support::{Backend, TestDatabase, canary::PAYLOAD};
use uuid::Uuid;

use super::error;

pub(crate) async fn all(db: &TestDatabase, dal: &DAL, url: &str) -> Vec<Error> {
    let mut trouble = refusals(dal).await;
    trouble.extend(spoiled(dal).await);
    trouble.extend(Box::pin(too_late(dal, url)).await);
    panics(dal).await;
    if db.backend() == Backend::Postgres {
        trouble.push(lost(dal).await);
    }
    trouble.push(constraint(db, dal).await);
    trouble
}

fn task() -> NewTaskExecution {
    NewTaskExecution::standalone("a").input(json!({PAYLOAD: [PAYLOAD]}))
}

async fn running(dal: &DAL) -> Claim {
    let task = dal.task_execution().create(task()).await.unwrap();
    dal.task_execution().mark_ready(task.id).await.unwrap();
    let worker = dal.worker().register("w").await.unwrap();
    dal.task_execution()
        .claim(&worker, 1)
        .await
        .unwrap()
        .remove(0)
}

async fn refusals(dal: &DAL) -> Vec<Error> {
    let tasks = || dal.task_execution();
    let id = Uuid::now_v7();
    tasks().create(task().id(id)).await.unwrap();
    let deep = (0..200).fold(json!(PAYLOAD), |inner, _| Value::Array(vec![inner]));
    let claim = running(dal).await;
    tasks().cancel(claim.task_execution_id()).await.unwrap();
    let pipelines = || dal.pipeline_execution();
    let pipeline = pipelines()
        .create(NewPipelineExecution::new("p"))
        .await
        .unwrap();
    pipelines().cancel(pipeline.id).await.unwrap();
    let nul = || format!("{PAYLOAD}\0");
    vec![
        error("twice", tasks().create(task().id(id))).await,
        error("nul", tasks().create(task().input(json!(nul())))).await,
        error("deep", tasks().create(task().input(deep))).await,
        error("nul", tasks().fail(&claim, nul())).await,
        error("nul", tasks().skip(id, nul())).await,
        error("end", tasks().complete(&claim, Some(json!(PAYLOAD)))).await,
        error("end", tasks().fail(&claim, PAYLOAD)).await,
        error("end", tasks().schedule_retry(&claim, PAYLOAD, NOW)).await,
        error("pause", pipelines().pause(pipeline.id, PAYLOAD)).await,
        error("missing", tasks().skip(Uuid::now_v7(), PAYLOAD)).await,
        error("closed", tasks().create(closed(pipeline.id))).await,
    ]
}

const NOW: Duration = Duration::ZERO;

fn closed(pipeline: Uuid) -> NewTaskExecution {
    NewTaskExecution::new(pipeline, "a").input(json!(PAYLOAD))
}

async fn wrong(tx: &mut Tx<'_>) -> Result<()> {
    let wrong = sql_query("SELECT no_such_column");
    match tx.postgres() {
        Ok(connection) => wrong.execute(connection).await?,
        Err(_) => wrong.execute(tx.sqlite()?).await?,
    };
    Ok(())
}

/// Transactions of which a statement fails.
async fn spoiled(dal: &DAL) -> Vec<Error> {
    let failed = dal.transaction(async |tx| {
        tx.task_execution().create(task()).await?;
        wrong(tx).await
    });
    let again = dal.transaction_with_retry(async |tx| {
        tx.task_execution().create(task()).await?;
        wrong(tx).await
    });
    vec![error("failed", failed).await, error("again", again).await]
}

async fn too_late(dal: &DAL, url: &str) -> Vec<Error> {
    let one = DAL::builder(url)
        .pool_size(1)
        .acquire_timeout(Duration::from_secs(1));
    let one = one.connect().await.unwrap();
    let inside = one.transaction(async |tx| {
        tx.task_execution().create(task()).await?;
        one.task_execution().create(task()).await
    });
    let hasty = DAL::builder(url).deadline(Duration::from_nanos(1));
    let hasty = hasty.connect().await.unwrap();
    // Else it may be done before anybody looks at the clock.
    let in_the_way = dal.transaction(async |tx| {
        if let Ok(connection) = tx.postgres() {
            let lock = sql_query("LOCK TABLE task_executions");
            lock.execute(connection).await?;
        }
        Ok::<_, Error>(error("hasty", hasty.task_execution().create(task())).await)
    });
    vec![error("full", inside).await, in_the_way.await.unwrap()]
}

async fn panics(dal: &DAL) {
    let dal = dal.clone();
    let panics = tokio::spawn(async move {
        dal.transaction(async |tx| {
            tx.task_execution().create(task()).await?;
            let rows = tx.task_outbox().count_pending().await?;
            assert!(rows < 0, "a panic of {tx:?}");
            Ok::<_, Error>(())
        })
        .await
    });
    assert!(panics.await.unwrap_err().is_panic());
}

/// The server ends the connection.
async fn lost(dal: &DAL) -> Error {
    let lost = dal.transaction(async |tx| {
        tx.task_execution().create(task()).await?;
        let end = sql_query("SELECT pg_terminate_backend(pg_backend_pid())");
        let _ = end.execute(tx.postgres()?).await;
        tx.task_execution().create(task()).await.map(drop)
    });
    error("lost", lost).await
}

/// A constraint of other software: the database has the whole row to say about it.
async fn constraint(db: &TestDatabase, dal: &DAL) -> Error {
    match db.backend() {
        Backend::Postgres => {
            db.execute("ALTER TABLE task_executions ADD CHECK (input IS NULL) NOT VALID")
                .await;
        }
        Backend::Sqlite => {
            db.execute(
                "CREATE TRIGGER refuse BEFORE INSERT ON task_executions BEGIN SELECT RAISE(ABORT, 'no'); END",
            )
            .await;
        }
    }
    error("constraint", dal.task_execution().create(task())).await
}
