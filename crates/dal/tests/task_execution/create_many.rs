//! Making tasks together: all or none, in the order given.

use std::collections::HashMap;

use serde_json::json;
use taskbox_dal::Error;
use taskbox_models::{
    Conflict, EventType, NewTaskExecution, PipelineStatus, RunWhen, TaskExecution, TaskStatus,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{
    connect::connect, lifecycle::task_in, pipeline::pipeline, refusal::assert_refused,
};

taskbox_test_support::suite! {
    tasks_are_made_in_the_order_given,
    tasks_that_differ_in_one_thing_are_each_as_described,
    making_no_tasks_changes_nothing,
    one_call_makes_tasks_in_many_pipelines,
    ten_thousand_tasks_are_made_at_once,
    a_chosen_id_that_is_taken_is_a_conflict,
    an_id_given_to_two_tasks_is_refused,
    a_task_reopens_a_pipeline_that_has_completed_or_failed,
    a_cancelled_pipeline_takes_no_tasks,
    an_unknown_pipeline_is_not_found,
}

async fn tasks_are_made_in_the_order_given(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipelines = [None, Some(pipeline(&dal).await), Some(pipeline(&dal).await)];
    // Ids that ascend, those of the pipelines among them, so that no other order is the order given.
    let mut ids: Vec<_> = (0..12).map(|_| Uuid::now_v7()).collect();
    ids.reverse();
    let new = |(index, id): (usize, &Uuid)| {
        let mut new = NewTaskExecution::standalone(index.to_string()).id(*id);
        new.pipeline_execution_id = pipelines[index % 3];
        new
    };
    let new = ids.iter().enumerate().map(new).collect();
    let made = dal.task_execution().create_many(new).await.unwrap();
    assert_eq!(ids_of(&made), ids);
    for (index, task) in made.iter().enumerate() {
        assert_eq!(task.task_name, index.to_string());
        assert_eq!(task.pipeline_execution_id, pipelines[index % 3]);
    }
    let events = dal.execution_event().get_recent(12).await.unwrap();
    let written: Vec<_> = events.iter().rev().map(|e| e.task_execution_id).collect();
    assert_eq!(written, ids.into_iter().map(Some).collect::<Vec<_>>());
}

fn ids_of(tasks: &[TaskExecution]) -> Vec<Uuid> {
    tasks.iter().map(|task| task.id).collect()
}

/// What the tasks of a call have in common is sent once.
async fn tasks_that_differ_in_one_thing_are_each_as_described(db: &TestDatabase) {
    let dal = connect(db).await;
    let (own, other) = (pipeline(&dal).await, pipeline(&dal).await);
    let new = || NewTaskExecution::new(own, "a");
    let before = dal.task_execution().create(new()).await.unwrap().id;
    let trace = [("traceparent".to_owned(), "00-1".to_owned())];
    let different = [
        ("pipeline", NewTaskExecution::new(other, "a")),
        ("name", NewTaskExecution::new(own, "b")),
        ("queue", new().queue("mail")),
        ("priority", new().priority(3)),
        ("max_attempts", new().max_attempts(7)),
        ("input", new().input(json!([1]))),
        ("run_when", new().run_when(RunWhen::AllDone)),
        ("dependencies", new().after(&[before])),
        ("trace_context", new().trace_context(HashMap::from(trace))),
    ];
    let mut unlike = Vec::new();
    for (what, different) in different {
        let tasks = vec![new(), different, new()];
        for made in dal.task_execution().create_many(tasks).await.unwrap() {
            let kept = dal.task_execution().get(made.id).await.unwrap();
            if kept != made {
                unlike.push(what);
            }
        }
    }
    assert_eq!(unlike, Vec::<&str>::new());
}

async fn making_no_tasks_changes_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    let before = db.dump().await;
    let made = dal.task_execution().create_many(Vec::new()).await.unwrap();
    assert_eq!(made, []);
    assert_eq!(db.dump().await, before);
}

async fn one_call_makes_tasks_in_many_pipelines(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut pipelines = Vec::new();
    for _ in 0..20 {
        pipelines.push(pipeline(&dal).await);
    }
    let new = (0..60).map(|index| NewTaskExecution::new(pipelines[index * 7 % 20], "a"));
    let made = dal.task_execution().create_many(new.collect()).await;
    let made = made.unwrap();
    for id in pipelines {
        let pipeline = dal.pipeline_execution().get(id).await.unwrap();
        assert_eq!(pipeline.open_tasks, 3);
        assert_eq!(pipeline.status, PipelineStatus::Pending);
        let of_it = |task: &&TaskExecution| task.pipeline_execution_id == Some(id);
        let mut ids: Vec<_> = made.iter().filter(of_it).map(|task| task.id).collect();
        ids.sort_unstable();
        let tasks = dal.task_execution().list_by_pipeline(id).await.unwrap();
        assert_eq!(ids_of(&tasks), ids);
    }
}

async fn ten_thousand_tasks_are_made_at_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    let new = (0..10_000).map(|index: u32| NewTaskExecution::new(pipeline, index.to_string()));
    let made = dal.task_execution().create_many(new.collect()).await;
    let made = made.unwrap();
    for (index, task) in made.iter().enumerate() {
        assert_eq!(task.task_name, index.to_string());
    }
    let tasks = dal.task_execution().list_by_pipeline(pipeline).await;
    assert_eq!(tasks.unwrap(), made);
    let pipeline = dal.pipeline_execution().get(pipeline).await.unwrap();
    assert_eq!(pipeline.open_tasks, 10_000);
}

async fn a_chosen_id_that_is_taken_is_a_conflict(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    let task = task_in(&dal, Some(pipeline), TaskStatus::Ready).await;
    let new = vec![
        NewTaskExecution::new(pipeline, "b").id(Uuid::now_v7()),
        NewTaskExecution::new(pipeline, "a").id(task),
        NewTaskExecution::new(pipeline, "c"),
    ];
    let conflict = Conflict {
        task,
        expected: Vec::new(),
        found: Some(TaskStatus::Ready),
    };
    assert_refused(db, dal.task_execution().create_many(new), conflict.into()).await;
}

async fn an_id_given_to_two_tasks_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = Uuid::now_v7();
    let new = vec![
        NewTaskExecution::standalone("a").id(id),
        NewTaskExecution::standalone("b"),
        NewTaskExecution::standalone("c").id(id),
    ];
    let expected = Error::InvalidInput {
        what: "id",
        problem: format!("{id} is given to two tasks"),
    };
    assert_refused(db, dal.task_execution().create_many(new), expected).await;
}

async fn a_task_reopens_a_pipeline_that_has_completed_or_failed(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut pipelines = Vec::new();
    for status in [
        TaskStatus::Completed,
        TaskStatus::Failed,
        TaskStatus::Skipped,
        TaskStatus::Ready,
    ] {
        let pipeline = pipeline(&dal).await;
        task_in(&dal, Some(pipeline), status).await;
        pipelines.push(pipeline);
    }
    let new = pipelines.iter().chain(&pipelines);
    let new = new.map(|pipeline| NewTaskExecution::new(*pipeline, "b"));
    let made = dal.task_execution().create_many(new.collect()).await;
    let made = made.unwrap();
    for (index, pipeline) in pipelines.into_iter().enumerate() {
        let row = dal.pipeline_execution().get(pipeline).await.unwrap();
        assert_eq!(row.status, PipelineStatus::Running);
        let events = dal.execution_event().list_by_pipeline(pipeline).await;
        let mut last = events.unwrap();
        last.reverse();
        last.truncate(3);
        assert_eq!(last[0].task_execution_id, Some(made[index + 4].id));
        assert_eq!(last[1].task_execution_id, Some(made[index].id));
        let reopened = last[2].event_type == EventType::PipelineReopened;
        assert_eq!(reopened, index < 3, "{row:?}");
    }
}

async fn a_cancelled_pipeline_takes_no_tasks(db: &TestDatabase) {
    let dal = connect(db).await;
    let cancelled = pipeline(&dal).await;
    task_in(&dal, Some(cancelled), TaskStatus::Cancelled).await;
    let new = vec![
        NewTaskExecution::new(pipeline(&dal).await, "b"),
        NewTaskExecution::new(cancelled, "b"),
    ];
    let expected = Error::PipelineClosed {
        pipeline: cancelled,
        found: PipelineStatus::Cancelled,
    };
    assert_refused(db, dal.task_execution().create_many(new), expected).await;
}

async fn an_unknown_pipeline_is_not_found(db: &TestDatabase) {
    let dal = connect(db).await;
    let id = Uuid::now_v7();
    let new = vec![
        NewTaskExecution::new(pipeline(&dal).await, "a"),
        NewTaskExecution::new(id, "b"),
        NewTaskExecution::standalone("c"),
    ];
    let what = "pipeline";
    let expected = Error::NotFound { what, id };
    assert_refused(db, dal.task_execution().create_many(new), expected).await;
}
