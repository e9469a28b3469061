//! What a transition costs: its own tasks, however many others there are, and no plan of its own.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use taskbox_dal::{DAL, Error, Tx};
use taskbox_models::{NewPipelineExecution, NewTaskExecution};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    postgres: [
        marking_a_task_ready_reads_no_other_task_of_its_pipeline,
        marking_tasks_ready_is_planned_for_any_tasks,
        marking_one_task_ready_is_planned_for_any_task,
        making_tasks_is_planned_for_any_tasks,
    ]
}

/// More tasks than Postgres would rather read than look ten of them up.
const MANY: u16 = 3_000;
/// The statement that starts the pipeline, once, and that of all the calls: after five runs it is planned no more.
const PLANNED: [(i64, i64); 2] = [(1, 0), (5, 3)];
/// After five runs Postgres may keep a plan that knows no values.
const CALLS: usize = 8;

async fn marking_a_task_ready_reads_no_other_task_of_its_pipeline(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    // What it knows of the tables is from a time when pipelines were small.
    for _ in 0..20 {
        create_pipeline(&dal, 1).await;
    }
    db.execute("ANALYZE").await;
    let tasks = create_pipeline(&dal, MANY.into()).await;

    let read = dal
        .transaction(async |tx| {
            for task in &tasks[..CALLS] {
                tx.task_execution().mark_ready(*task).await?;
            }
            rows_read(tx).await
        })
        .await
        .unwrap();
    assert!(
        read < MANY.into(),
        "{read} rows of tasks were read for {CALLS}"
    );
}

async fn marking_one_task_ready_is_planned_for_any_task(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let tasks = create_pipeline(&dal, MANY.into()).await;
    db.execute("ANALYZE").await;
    let planned = dal
        .transaction(async |tx| {
            for task in &tasks[..CALLS] {
                tx.task_execution().mark_ready(*task).await?;
            }
            plans(tx, TRANSITION).await
        })
        .await
        .unwrap();
    assert_eq!(planned, PLANNED);
}

async fn marking_tasks_ready_is_planned_for_any_tasks(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let tasks = create_pipeline(&dal, MANY.into()).await;
    db.execute("ANALYZE").await;
    let planned = dal
        .transaction(async |tx| {
            for list in tasks.chunks(2).take(CALLS) {
                let moved = tx.task_execution().mark_ready_many(list).await?;
                assert_eq!(moved.moved, list);
            }
            plans(tx, TRANSITION).await
        })
        .await
        .unwrap();
    assert_eq!(planned, PLANNED);
}

async fn making_tasks_is_planned_for_any_tasks(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let planned = dal
        .transaction(async |tx| {
            for tasks in 1..=CALLS {
                let new = vec![NewTaskExecution::standalone("step"); tasks];
                tx.task_execution().create_many(new).await?;
            }
            plans(tx, CREATION).await
        })
        .await
        .unwrap();
    assert_eq!(planned, [(5, 3)]);
}

async fn create_pipeline(dal: &DAL, tasks: usize) -> Vec<Uuid> {
    let pipeline = dal
        .pipeline_execution()
        .create(NewPipelineExecution::new("import"))
        .await
        .unwrap();
    let tasks = vec![NewTaskExecution::new(pipeline.id, "step"); tasks];
    let tasks = dal.task_execution().create_many(tasks).await.unwrap();
    tasks.into_iter().map(|task| task.id).collect()
}

/// How the statements begin and what they contain.
const TRANSITION: &str = "WITH input %UPDATE task_executions t %";
const CREATION: &str = "WITH input %INSERT INTO task_executions %";

/// For every such statement on this connection, how often it was planned for the values of one call, as
/// Postgres does the first five times, and how often it ran by the plan that it keeps.
async fn plans(tx: &mut Tx<'_>, like: &str) -> Result<Vec<(i64, i64)>, Error> {
    #[derive(diesel::QueryableByName)]
    struct Answer {
        #[diesel(sql_type = BigInt)]
        custom_plans: i64,
        #[diesel(sql_type = BigInt)]
        generic_plans: i64,
    }
    let answers: Vec<Answer> = diesel::sql_query(
        "SELECT custom_plans, generic_plans FROM pg_prepared_statements
        WHERE statement LIKE $1 ORDER BY custom_plans",
    )
    .bind::<Text, _>(like)
    .load(tx.postgres()?)
    .await?;
    let pair = |answer: Answer| (answer.custom_plans, answer.generic_plans);
    Ok(answers.into_iter().map(pair).collect())
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
