//! Lists with filters, page by page.

use std::{cmp::Reverse, time::Duration};

use taskbox_dal::{DAL, Error, PipelineFilter, TaskFilter};
use taskbox_models::{
    EventType, NewPipelineExecution, NewTaskExecution, PipelineStatus, TaskStatus,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{
    connect::connect, lifecycle::task_in, limit::negative, pipeline::pipeline, ready::ready,
    refusal::assert_refused,
};

taskbox_test_support::suite! {
    every_status_is_found_by_its_filter,
    tasks_pass_only_if_all_of_the_filter_does,
    pages_of_tasks_leave_none_out,
    pages_of_pipelines_leave_none_out,
    pipelines_pass_only_if_all_of_the_filter_does,
    tasks_tell_what_they_wait_for,
    limits_and_names_that_cannot_be_meant_are_refused,
}

type Made = (Uuid, Option<Uuid>, TaskStatus);

async fn list(dal: &DAL, filter: TaskFilter, limit: i64) -> Vec<Uuid> {
    let listed = dal.task_execution().list(&filter, limit).await.unwrap();
    for task in &listed {
        assert_eq!(dal.task_execution().get(task.id).await.unwrap(), *task);
    }
    listed.iter().map(|task| task.id).collect()
}

async fn every_status_is_found_by_its_filter(db: &TestDatabase) {
    let dal = connect(db).await;
    let of = pipeline(&dal).await;
    let mut all = Vec::new();
    for pipeline in [None, Some(of)] {
        for status in TaskStatus::ALL.iter().copied() {
            all.push((task_in(&dal, pipeline, status).await, pipeline, status));
        }
    }
    // It failed, and is ready again: the history alone does not say that it still is.
    let back = task_in(&dal, None, TaskStatus::Failed).await;
    dal.task_execution().redrive(back).await.unwrap();
    all.push((back, None, TaskStatus::Ready));
    all.sort_unstable_by_key(|it| Reverse(it.0));
    for status in TaskStatus::ALL.iter().copied() {
        let filter = TaskFilter::default().status(status);
        let expected = ids(all.iter().filter(|it| it.2 == status));
        assert_eq!(list(&dal, filter.clone(), 99).await, expected, "{status}");
        assert_eq!(list(&dal, filter.clone(), 1).await, expected[..1]);
        let older = filter.clone().before(expected[0]);
        assert_eq!(list(&dal, older, 99).await, expected[1..]);
        let expected = ids(all.iter().filter(|it| it.2 == status && it.1 == Some(of)));
        assert_eq!(list(&dal, filter.pipeline(of), 99).await, expected);
    }
    assert_eq!(list(&dal, TaskFilter::default(), 99).await, ids(all.iter()));
    assert!(list(&dal, TaskFilter::default(), 0).await.is_empty());
}

fn ids<'a>(made: impl Iterator<Item = &'a Made>) -> Vec<Uuid> {
    made.map(|it| it.0).collect()
}

async fn tasks_pass_only_if_all_of_the_filter_does(db: &TestDatabase) {
    let dal = connect(db).await;
    let of = pipeline(&dal).await;
    let task = |name: &str, queue: &str| NewTaskExecution::new(of, name).queue(queue);
    let mine = ready(&dal, task("a", "mail")).await;
    for other in [task("b", "mail"), task("a", "video")] {
        ready(&dal, other).await;
    }
    ready(&dal, NewTaskExecution::standalone("a").queue("mail")).await;
    let not_ready = dal.task_execution().create(task("a", "mail")).await;
    let filter = TaskFilter::default().queue("mail").task_name("a");
    let filter = filter.status(TaskStatus::Ready);
    assert_eq!(list(&dal, filter.clone(), 99).await.len(), 2);
    let filter = filter.pipeline(of);
    assert_eq!(list(&dal, filter.clone(), 99).await, [mine]);
    let filter = filter.status(TaskStatus::NotStarted);
    assert_eq!(list(&dal, filter, 99).await, [not_ready.unwrap().id]);
}

async fn pages_of_tasks_leave_none_out(db: &TestDatabase) {
    let dal = connect(db).await;
    let of = pipeline(&dal).await;
    let new = vec![NewTaskExecution::new(of, "a"); 7];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let mut newest: Vec<_> = made.iter().map(|task| task.id).collect();
    let _ = dal.task_execution().mark_ready_many(&newest).await.unwrap();
    newest.reverse();
    let all = TaskFilter::default();
    for filter in [
        all.clone(),
        all.clone().status(TaskStatus::Ready),
        all.clone().pipeline(of),
        all.task_name("a"),
    ] {
        let mut found: Vec<Uuid> = Vec::new();
        loop {
            let filter = match found.last() {
                Some(last) => filter.clone().before(*last),
                None => filter.clone(),
            };
            let page = list(&dal, filter, 3).await;
            found.extend(&page);
            if page.len() < 3 {
                break;
            }
        }
        assert_eq!(found, newest, "{filter:?}");
    }
}

async fn pages_of_pipelines_leave_none_out(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut newest = Vec::new();
    for _ in 0..5 {
        newest.insert(0, pipeline(&dal).await);
    }
    let all = PipelineFilter::default();
    for filter in [all.clone(), all.status(PipelineStatus::Pending)] {
        let first = dal.pipeline_execution().list(&filter, 3).await.unwrap();
        let next = filter.before(first[2].id);
        let second = dal.pipeline_execution().list(&next, 3).await.unwrap();
        let found: Vec<_> = first.iter().chain(&second).map(|it| it.id).collect();
        assert_eq!(found, newest);
    }
}

async fn pipelines_pass_only_if_all_of_the_filter_does(db: &TestDatabase) {
    let dal = connect(db).await;
    let make = async |name: &str| {
        let new = NewPipelineExecution::new(name);
        dal.pipeline_execution().create(new).await.unwrap().id
    };
    let (mine, ended, other) = (make("a").await, make("a").await, make("b").await);
    dal.pipeline_execution().cancel(ended).await.unwrap();
    let list = async |filter: PipelineFilter| -> Vec<Uuid> {
        let listed = dal.pipeline_execution().list(&filter, 9).await.unwrap();
        listed.iter().map(|it| it.id).collect()
    };
    let all = PipelineFilter::default();
    let pending = all.clone().status(PipelineStatus::Pending);
    assert_eq!(list(all.clone()).await, [other, ended, mine]);
    assert_eq!(list(all.name("a")).await, [ended, mine]);
    assert_eq!(list(pending.clone()).await, [other, mine]);
    assert_eq!(list(pending.name("a")).await, [mine]);
}

async fn tasks_tell_what_they_wait_for(db: &TestDatabase) {
    let dal = connect(db).await;
    let of = pipeline(&dal).await;
    let id: Vec<_> = (0..4).map(|_| Uuid::now_v7()).collect();
    let new = |n: usize, after: &[Uuid]| NewTaskExecution::new(of, "a").id(id[n]).after(after);
    let new = vec![
        new(0, &[]),
        new(1, &id[..1]),
        new(2, &id[..2]),
        new(3, &id[2..3]),
    ];
    dal.task_execution().create_many(new).await.unwrap();
    dal.task_execution().cancel(id[1]).await.unwrap();
    let waits = |task: usize, dependency: usize, status| (id[task], id[dependency], status);
    let expected = [
        waits(1, 0, TaskStatus::NotStarted),
        waits(2, 0, TaskStatus::NotStarted),
        waits(2, 1, TaskStatus::Cancelled),
    ];
    for limit in 0..=3 {
        let found = dal.task_execution();
        let found = found.dependencies(&id[..3], i64::try_from(limit).unwrap());
        let found = found.await.unwrap();
        assert!(found.iter().all(|it| it.task_name == "a"));
        let found = found.iter();
        let found: Vec<_> = found
            .map(|it| (it.task_execution_id, it.dependency_id, it.status))
            .collect();
        assert_eq!(found, expected[..limit]);
    }
    let found = dal.task_execution().dependencies(&[id[0], of], 9).await;
    assert_eq!(found.unwrap(), []);
}

async fn limits_and_names_that_cannot_be_meant_are_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let (tasks, pipelines) = (TaskFilter::default(), PipelineFilter::default());
    let listed = dal.task_execution().list(&tasks, -1);
    assert_refused(db, listed, negative(-1)).await;
    let listed = dal.task_execution().dependencies(&[], -1);
    assert_refused(db, listed, negative(-1)).await;
    let listed = dal.pipeline_execution().list(&pipelines, -1);
    assert_refused(db, listed, negative(-1)).await;
    assert_refused(db, dal.worker().list(-1), negative(-1)).await;
    let events = dal.execution_event();
    let counted = events.count_recent(EventType::TaskFailed, Duration::from_mins(1), -1);
    assert_refused(db, counted, negative(-1)).await;
    let nul = |what| Error::InvalidInput {
        what,
        problem: "has a NUL character at byte 1, which databases cannot keep".to_owned(),
    };
    for (filter, what) in [
        (tasks.clone().queue("a\0"), "queue"),
        (tasks.task_name("a\0"), "task_name"),
    ] {
        let listed = dal.task_execution().list(&filter, 1);
        assert_refused(db, listed, nul(what)).await;
    }
    let filter = pipelines.name("a\0");
    let listed = dal.pipeline_execution().list(&filter, 1);
    assert_refused(db, listed, nul("name")).await;
}
