//! Pipelines that are described once and started in one call.

use serde_json::json;
use taskbox_dal::Error;
use taskbox_executor::{Pipeline, TaskContext};
use taskbox_models::{PipelineStatus, RunWhen, TaskStatus};
use taskbox_test_support::TestDatabase;

use crate::support::{builder, connect, ended, get, until};

taskbox_test_support::suite! {
    a_pipeline_is_made_as_it_is_described,
    a_pipeline_runs_in_its_order,
    a_task_gets_what_those_before_it_returned,
    a_pipeline_is_part_of_the_transaction_that_starts_it,
    a_pipeline_that_cannot_be_meant_so_makes_nothing,
}

async fn a_pipeline_is_made_as_it_is_described(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = Pipeline::new("import")
        .task("fetch", json!({"page": 1}))
        .queue("net")
        .priority(3)
        .max_attempts(9)
        .task("fetch", ())
        .named("again")
        .task("index", ())
        .after(["fetch"])
        .after(["again"])
        .run_when(RunWhen::AllDone);
    let started = pipeline.start(&dal).await.unwrap();
    let made = dal
        .pipeline_execution()
        .get(started.pipeline_execution_id)
        .await
        .unwrap();
    assert_eq!((made.name.as_str(), made.open_tasks), ("import", 3));

    let fetch = get(&dal, started.tasks["fetch"]).await;
    assert_eq!(
        (fetch.queue.as_str(), fetch.priority, fetch.max_attempts),
        ("net", 3, 9)
    );
    assert_eq!(
        (fetch.status, fetch.input),
        (TaskStatus::Ready, Some(json!({"page": 1})))
    );
    let again = get(&dal, started.tasks["again"]).await;
    assert_eq!((again.task_name.as_str(), again.input), ("fetch", None));
    let index = get(&dal, started.tasks["index"]).await;
    assert_eq!(
        (index.status, index.open_dependencies),
        (TaskStatus::NotStarted, 2)
    );
    assert_eq!(index.run_when, RunWhen::AllDone);

    let other = pipeline.start(&dal).await.unwrap();
    assert_ne!(other.pipeline_execution_id, started.pipeline_execution_id);
}

async fn a_pipeline_runs_in_its_order(db: &TestDatabase) {
    let dal = connect(db).await;
    let executor = builder(&dal).task("a", async |_ctx, (): ()| Ok(()));
    let executor = executor.build().unwrap().start();
    let started = Pipeline::new("p")
        .task("a", ())
        .named("1")
        .task("a", ())
        .named("2")
        .after(["1"]);
    let started = started.start(&dal).await.unwrap();
    let second = until(&dal, started.tasks["2"], TaskStatus::Completed).await;
    let first = ended(&dal, started.tasks["1"]).await;
    assert!(first.updated_at <= second.updated_at);
    let pipeline = dal
        .pipeline_execution()
        .get(started.pipeline_execution_id)
        .await
        .unwrap();
    assert_eq!(pipeline.status, PipelineStatus::Completed);
    executor.stop().await.unwrap();
}

async fn a_task_gets_what_those_before_it_returned(db: &TestDatabase) {
    let dal = connect(db).await;
    let executor = builder(&dal)
        .task("count", async |_ctx, rows: i64| Ok(rows))
        .task("sum", async |ctx: TaskContext, (): ()| {
            let counted = ctx.dependency_outputs().await?;
            let rows = counted.iter().filter_map(|it| it.output.as_ref()?.as_i64());
            Ok(rows.sum::<i64>())
        });
    let executor = executor.build().unwrap().start();
    let started = Pipeline::new("p")
        .task("count", 3)
        .named("one")
        .task("count", 4)
        .named("other")
        .task("sum", ())
        .after(["one", "other"]);
    let started = started.start(&dal).await.unwrap();
    let sum = until(&dal, started.tasks["sum"], TaskStatus::Completed).await;
    assert_eq!(sum.output, Some(json!(7)));
    executor.stop().await.unwrap();
}

async fn a_pipeline_is_part_of_the_transaction_that_starts_it(db: &TestDatabase) {
    let dal = connect(db).await;
    let before = db.dump().await;
    let pipeline = Pipeline::new("p").task("a", ());
    let refused = dal.transaction(async |tx| {
        pipeline.start_in(tx).await?;
        Err::<(), Error>(Error::Database(diesel::result::Error::RollbackTransaction))
    });
    assert!(refused.await.is_err());
    assert_eq!(db.dump().await, before);
    let started = dal.transaction(async |tx| pipeline.start_in(tx).await);
    let task = started.await.unwrap().tasks["a"];
    assert_eq!(get(&dal, task).await.status, TaskStatus::Ready);
}

async fn a_pipeline_that_cannot_be_meant_so_makes_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    let before = db.dump().await;
    let p = || Pipeline::new("p");
    let bad = [
        (p(), "has no task"),
        (p().queue("q").task("a", ()), "before its first task"),
        (p().task("a", ()).task("a", ()), "is \"a\" for two tasks"),
        (p().task("a", ()).after(["b"]), "names \"b\""),
        (p().task("a", ()).after(["a"]), "in a circle"),
        (p().task("", ()), "is empty"),
        (
            p().task("a", std::collections::HashMap::from([((), 1)])),
            "is no JSON",
        ),
    ];
    for (pipeline, expected) in bad {
        let error = pipeline.start(&dal).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}, expected: {expected}");
    }
    assert_eq!(db.dump().await, before);
}
