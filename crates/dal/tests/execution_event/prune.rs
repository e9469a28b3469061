//! What ended long ago goes, with its history; the rest stays as it is.

use std::time::Duration;

use taskbox_dal::{DAL, Error, Pruned};
use taskbox_models::{NewTaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;

use crate::support::{
    connect::connect,
    lifecycle::task_in,
    limit::negative,
    moment::{backdate, long_ago},
    pipeline::pipeline,
    refusal::assert_refused,
};

taskbox_test_support::suite! {
    what_has_ended_goes_with_its_history,
    what_has_not_ended_keeps_its_history,
    what_ended_lately_stays,
    small_steps_come_to_the_same_end,
    a_pipeline_goes_as_a_whole_and_large_ones_one_by_one,
    a_pipeline_that_was_reopened_stays,
    the_history_of_what_other_sql_deleted_goes,
    ages_and_limits_out_of_range_are_refused,
}

const ENDED: [TaskStatus; 3] = [
    TaskStatus::Completed,
    TaskStatus::Failed,
    TaskStatus::Cancelled,
];
const LIVE: [TaskStatus; 4] = [
    TaskStatus::NotStarted,
    TaskStatus::Scheduled,
    TaskStatus::Ready,
    TaskStatus::Running,
];
const DAY: Duration = Duration::from_hours(24);
const ALL: i64 = 1_000;

/// Makes tasks of their own and pipelines of one task, one for each status.
async fn fill(dal: &DAL, statuses: &[TaskStatus]) {
    for status in statuses {
        task_in(dal, None, *status).await;
        task_in(dal, Some(pipeline(dal).await), *status).await;
    }
}

async fn prune(dal: &DAL, age: Duration, after: i64, limit: i64) -> Pruned {
    let pruned = dal.execution_event().prune(age, after, limit).await;
    pruned.unwrap()
}

async fn prunable(dal: &DAL, age: Duration) -> (i64, i64) {
    let found = dal.execution_event().count_prunable(age).await.unwrap();
    (found.pipelines, found.tasks)
}

async fn count(db: &TestDatabase, table: &str) -> i64 {
    db.query_i64(&format!("SELECT count(*) FROM {table}")).await
}

async fn what_has_ended_goes_with_its_history(db: &TestDatabase) {
    let dal = connect(db).await;
    fill(&dal, &ENDED).await;
    assert_eq!(prunable(&dal, Duration::ZERO).await, (3, 3));
    assert_eq!(prunable(&dal, DAY).await, (0, 0));
    let pruned = prune(&dal, Duration::ZERO, 0, ALL).await;
    assert_eq!((pruned.pipelines, pruned.tasks, pruned.next), (3, 3, None));
    assert!(pruned.events > 20);
    for table in ["pipeline_executions", "task_executions", "execution_events"] {
        assert_eq!(count(db, table).await, 0, "{table}");
    }
    let again = prune(&dal, Duration::ZERO, 0, ALL).await;
    assert_eq!(again, Pruned::default());
}

async fn what_has_not_ended_keeps_its_history(db: &TestDatabase) {
    let dal = connect(db).await;
    fill(&dal, &LIVE).await;
    // Nor does what has ended in a pipeline that has not.
    let pipeline = pipeline(&dal).await;
    task_in(&dal, Some(pipeline), TaskStatus::Completed).await;
    dal.task_execution()
        .create(NewTaskExecution::new(pipeline, "rest"))
        .await
        .unwrap();
    let before = db.dump().await;
    let pruned = prune(&dal, Duration::ZERO, 0, ALL).await;
    assert_eq!(pruned, Pruned::default());
    assert_eq!(prunable(&dal, Duration::ZERO).await, (0, 0));
    assert_eq!(db.dump().await, before);
}

async fn what_ended_lately_stays(db: &TestDatabase) {
    let dal = connect(db).await;
    fill(&dal, &ENDED).await;
    let before = db.dump().await;
    assert_eq!(prune(&dal, DAY, 0, ALL).await, Pruned::default());
    // What was made long ago may have ended lately all the same.
    for event in dal.execution_event().get_recent(ALL).await.unwrap() {
        backdate(db, "execution_events", event.id, long_ago(event.id)).await;
    }
    assert_eq!(prune(&dal, DAY, 0, ALL).await, Pruned::default());
    for table in ["pipeline_executions", "task_executions"] {
        assert_eq!(db.dump().await[table], before[table], "{table}");
    }
}

async fn small_steps_come_to_the_same_end(db: &TestDatabase) {
    let dal = connect(db).await;
    for limit in [1, 2, 7] {
        fill(&dal, &ENDED).await;
        fill(&dal, &LIVE[..1]).await;
        let (mut position, mut tasks) = (Some(0), 0);
        while let Some(after) = position {
            let pruned = prune(&dal, Duration::ZERO, after, limit).await;
            tasks += pruned.tasks;
            position = pruned.next;
        }
        assert_eq!(tasks, 3);
        let ended = "task_executions WHERE status <> 'NotStarted'";
        assert_eq!(count(db, ended).await, 0);
    }
}

async fn a_pipeline_goes_as_a_whole_and_large_ones_one_by_one(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipelines = [pipeline(&dal).await, pipeline(&dal).await];
    // The first events are those of the pipelines.
    for pipeline in pipelines {
        let new = vec![NewTaskExecution::new(pipeline, "t"); 3];
        dal.task_execution().create_many(new).await.unwrap();
        dal.pipeline_execution().cancel(pipeline).await.unwrap();
    }
    for left in [1, 0] {
        let pruned = prune(&dal, Duration::ZERO, 0, 5).await;
        assert_eq!(pruned.pipelines, 1);
        let has_more = pruned.next == Some(0);
        assert_eq!(has_more, left > 0);
        assert_eq!(count(db, "pipeline_executions").await, left);
        assert_eq!(count(db, "task_executions").await, 3 * left);
        assert_eq!(count(db, "execution_events").await, 9 * left);
    }
}

async fn a_pipeline_that_was_reopened_stays(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    let task = task_in(&dal, Some(pipeline), TaskStatus::Failed).await;
    dal.task_execution().redrive(task).await.unwrap();
    let before = db.dump().await;
    assert_eq!(prune(&dal, Duration::ZERO, 0, ALL).await, Pruned::default());
    assert_eq!(db.dump().await, before);
}

async fn the_history_of_what_other_sql_deleted_goes(db: &TestDatabase) {
    let dal = connect(db).await;
    fill(&dal, &LIVE[..2]).await;
    let kept = task_in(&dal, None, TaskStatus::Ready).await;
    db.execute("DELETE FROM pipeline_executions").await;
    let kept_id = db.uuid_literal(kept);
    db.execute(&format!(
        "DELETE FROM task_executions WHERE id <> {kept_id}"
    ))
    .await;
    let pruned = prune(&dal, Duration::ZERO, 0, ALL).await;
    assert!(pruned.events > 4);
    let left = dal.execution_event().get_recent(ALL).await.unwrap();
    assert_eq!(left.len(), 2);
    assert!(
        left.iter()
            .all(|event| event.task_execution_id == Some(kept))
    );
}

async fn ages_and_limits_out_of_range_are_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    fill(&dal, &ENDED).await;
    let call = dal.execution_event().prune(Duration::ZERO, 0, -1);
    assert_refused(db, call, negative(-1)).await;
    let call = dal.execution_event().prune(Duration::MAX, 0, 1);
    let too_long = Error::InvalidInput {
        what: "age",
        problem: "is longer than a century".to_owned(),
    };
    assert_refused(db, call, too_long).await;
    let before = db.dump().await;
    assert_eq!(prune(&dal, Duration::ZERO, 0, 0).await, Pruned::default());
    assert_eq!(db.dump().await, before);
}
