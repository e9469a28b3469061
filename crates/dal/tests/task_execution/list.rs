//! Reading tasks.

use taskbox_dal::Error;
use taskbox_models::{NewTaskExecution, TaskExecution, TaskStatus};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{
    connect::connect, lifecycle::task_in, limit::negative, pipeline::pipeline,
    refusal::assert_refused,
};

taskbox_test_support::suite! {
    an_unknown_task_is_not_found,
    a_pipeline_lists_its_own_tasks_in_the_order_of_their_ids,
    a_pipeline_without_tasks_lists_none,
    a_status_lists_its_own_tasks,
    a_status_lists_the_newest_tasks_first,
    a_negative_limit_is_refused,
}

async fn an_unknown_task_is_not_found(db: &TestDatabase) {
    let dal = connect(db).await;
    task_in(&dal, None, TaskStatus::Ready).await;
    let id = Uuid::now_v7();
    let expected = Error::NotFound { what: "task", id };
    assert_refused(db, dal.task_execution().get(id), expected).await;
}

async fn a_pipeline_lists_its_own_tasks_in_the_order_of_their_ids(db: &TestDatabase) {
    let dal = connect(db).await;
    let (mine, other) = (pipeline(&dal).await, pipeline(&dal).await);
    let ids: Vec<_> = (0..5).map(|_| Uuid::now_v7()).collect();
    for id in ids.iter().rev() {
        let new = vec![
            NewTaskExecution::new(mine, "a").id(*id),
            NewTaskExecution::new(other, "b"),
            NewTaskExecution::standalone("c"),
        ];
        dal.task_execution().create_many(new).await.unwrap();
    }
    let tasks = dal.task_execution().list_by_pipeline(mine).await.unwrap();
    assert_eq!(ids_of(&tasks), ids);
    for task in tasks {
        assert_eq!(dal.task_execution().get(task.id).await.unwrap(), task);
    }
}

fn ids_of(tasks: &[TaskExecution]) -> Vec<Uuid> {
    tasks.iter().map(|task| task.id).collect()
}

async fn a_pipeline_without_tasks_lists_none(db: &TestDatabase) {
    let dal = connect(db).await;
    task_in(&dal, None, TaskStatus::Ready).await;
    for pipeline in [pipeline(&dal).await, Uuid::now_v7()] {
        let tasks = dal.task_execution().list_by_pipeline(pipeline).await;
        assert_eq!(tasks.unwrap(), []);
    }
}

async fn a_status_lists_its_own_tasks(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut tasks = Vec::new();
    for status in TaskStatus::ALL.iter().copied() {
        tasks.push((status, task_in(&dal, None, status).await));
    }
    for (status, task) in tasks {
        let listed = dal.task_execution().list_by_status(status, 10).await;
        let task = dal.task_execution().get(task).await.unwrap();
        assert_eq!(listed.unwrap(), [task]);
    }
}

async fn a_status_lists_the_newest_tasks_first(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = vec![NewTaskExecution::standalone("a"); 4];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let mut newest = ids_of(&made);
    newest.reverse();
    for (limit, expected) in [
        (i64::MAX, &newest[..]),
        (4, &newest),
        (3, &newest[..3]),
        (0, &[]),
    ] {
        let tasks = dal.task_execution();
        let listed = tasks.list_by_status(TaskStatus::NotStarted, limit).await;
        assert_eq!(ids_of(&listed.unwrap()), expected);
    }
}

async fn a_negative_limit_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    for limit in [-1, i64::MIN] {
        let listed = dal
            .task_execution()
            .list_by_status(TaskStatus::Ready, limit);
        assert_refused(db, listed, negative(limit)).await;
    }
}
