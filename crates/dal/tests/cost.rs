//! What a transition reads: its own tasks, however many others there are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use taskbox_dal::{DAL, Error, Tx};
use taskbox_models::{NewPipelineExecution, NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;

taskbox_test_support::suite! {
    postgres: [marking_a_task_ready_reads_no_other_task_of_its_pipeline]
}

async fn marking_a_task_ready_reads_no_other_task_of_its_pipeline(db: &TestDatabase) {
    // More than Postgres would rather read than look up ten.
    const OTHERS: u16 = 20_000;
    // After five runs it may change to a plan that doesn't know the values.
    const CALLS: u16 = 8;

    let dal = DAL::connect(db.url()).await.unwrap();
    // What it knows of the tables is from a time when pipelines were small.
    for _ in 0..20 {
        create_pipeline(&dal, 1).await;
    }
    db.execute("ANALYZE").await;
    create_pipeline(&dal, usize::from(OTHERS)).await;
    let tasks = dal
        .task_execution()
        .list_by_status(TaskStatus::NotStarted, CALLS.into())
        .await
        .unwrap();

    let read = dal
        .transaction(async |tx| {
            for task in &tasks {
                tx.task_execution().mark_ready(task.id).await?;
            }
            rows_read(tx).await
        })
        .await
        .unwrap();
    assert!(
        read < OTHERS.into(),
        "{read} rows of tasks were read for {CALLS}"
    );
}

async fn create_pipeline(dal: &DAL, tasks: usize) {
    let pipeline = dal
        .pipeline_execution()
        .create(NewPipelineExecution::new("import"))
        .await
        .unwrap();
    let tasks = vec![NewTaskExecution::new(pipeline.id, "step"); tasks];
    dal.task_execution().create_many(tasks).await.unwrap();
}

/// How many rows of `task_executions` this transaction has read.
async fn rows_read(tx: &mut Tx<'_>) -> Result<i64, Error> {
    #[derive(diesel::QueryableByName)]
    struct Answer {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    let answer: Answer = diesel::sql_query(
        "SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables
        WHERE relname = 'task_executions'",
    )
    .get_result(tx.postgres()?)
    .await?;
    Ok(answer.rows)
}
