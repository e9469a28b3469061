//! Making tasks ready together: each by itself, in the order given.

use taskbox_dal::{DAL, Moved};
use taskbox_models::{
    Conflict, EventType, NewTaskExecution, PipelineStatus, TaskStatus, Transition,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{connect::connect, lifecycle::task_in, pipeline::pipeline};

taskbox_test_support::suite! {
    tasks_move_and_are_published_in_the_order_given,
    the_outbox_goes_by_priority_and_then_by_the_order_given,
    an_id_given_twice_counts_once,
    those_that_cannot_move_are_refused_and_the_others_move,
    an_empty_batch_changes_nothing,
    each_of_many_pipelines_starts_once,
    ten_thousand_tasks_move_at_once,
}

async fn tasks_move_and_are_published_in_the_order_given(db: &TestDatabase) {
    let dal = connect(db).await;
    let made = make(&dal, &[0; 9]).await;
    // Neither the order of the ids nor its reverse.
    let ids: Vec<_> = (0..9).map(|index| made[index * 4 % 9]).collect();
    let batch = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    assert_eq!(batch, all_moved(&ids));
    assert_eq!(pending(&dal).await, ids);
    let events = dal.execution_event().get_recent(9).await.unwrap();
    let written: Vec<_> = events.iter().rev().map(|e| e.task_execution_id).collect();
    assert_eq!(written, ids.into_iter().map(Some).collect::<Vec<_>>());
}

/// Tasks of these priorities.
async fn make(dal: &DAL, priorities: &[i32]) -> Vec<Uuid> {
    let new = |priority: &i32| NewTaskExecution::standalone("a").priority(*priority);
    let new = priorities.iter().map(new).collect();
    let made = dal.task_execution().create_many(new).await.unwrap();
    made.iter().map(|task| task.id).collect()
}

fn all_moved(ids: &[Uuid]) -> Moved {
    Moved {
        moved: ids.to_vec(),
        refused: Vec::new(),
    }
}

async fn pending(dal: &DAL) -> Vec<Uuid> {
    let rows = dal.task_outbox().list_pending(i64::MAX).await.unwrap();
    rows.iter().map(|row| row.task_execution_id).collect()
}

async fn the_outbox_goes_by_priority_and_then_by_the_order_given(db: &TestDatabase) {
    let dal = connect(db).await;
    let priorities = [0, 7, -1, 7, i32::MAX, 0, i32::MIN];
    let mut ids = make(&dal, &priorities).await;
    ids.reverse();
    let batch = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    assert_eq!(batch, all_moved(&ids));
    let by_priority = [2, 3, 5, 1, 6, 4, 0].map(|index: usize| ids[index]);
    assert_eq!(pending(&dal).await, by_priority);
}

async fn an_id_given_twice_counts_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let ids = make(&dal, &[0, 0]).await;
    let unknown = Uuid::now_v7();
    let twice = [ids[1], unknown, ids[0], ids[1], unknown, ids[0]];
    let batch = dal.task_execution().mark_ready_many(&twice).await.unwrap();
    let expected = Moved {
        moved: vec![ids[1], ids[0]],
        refused: vec![refused(unknown, None)],
    };
    assert_eq!(batch, expected);
    let ready = EventType::TaskMarkedReady;
    let events = dal.execution_event().list_by_type(ready, 10).await.unwrap();
    assert_eq!(events.len(), 2);
}

fn refused(task: Uuid, found: Option<TaskStatus>) -> Conflict {
    Conflict {
        task,
        expected: Transition::MarkReady.rule().from.to_vec(),
        found,
    }
}

async fn those_that_cannot_move_are_refused_and_the_others_move(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut ids = vec![Uuid::now_v7()];
    let mut expected = Moved {
        moved: Vec::new(),
        refused: vec![refused(ids[0], None)],
    };
    for status in TaskStatus::ALL.iter().rev().copied() {
        let pipeline = Some(pipeline(&dal).await);
        let task = task_in(&dal, pipeline, status).await;
        ids.push(task);
        if Transition::MarkReady.rule().from.contains(&status) {
            expected.moved.push(task);
        } else {
            expected.refused.push(refused(task, Some(status)));
        }
    }
    let batch = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    assert_eq!(batch, expected);
    for task in expected.moved {
        let task = dal.task_execution().get(task).await.unwrap();
        assert_eq!(task.status, TaskStatus::Ready);
    }
    for conflict in expected.refused.iter().skip(1) {
        let task = dal.task_execution().get(conflict.task).await.unwrap();
        assert_eq!(Some(task.status), conflict.found);
    }
}

async fn an_empty_batch_changes_nothing(db: &TestDatabase) {
    let dal = connect(db).await;
    task_in(&dal, None, TaskStatus::NotStarted).await;
    let before = db.dump().await;
    let batch = dal.task_execution().mark_ready_many(&[]).await.unwrap();
    assert_eq!(batch, Moved::default());
    assert_eq!(db.dump().await, before);
}

async fn each_of_many_pipelines_starts_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        let new = vec![NewTaskExecution::new(pipeline(&dal).await, "a"); 3];
        let made = dal.task_execution().create_many(new).await.unwrap();
        ids.extend(made.iter().map(|task| task.id));
    }
    // From all of the pipelines, twice.
    for offset in 0..2 {
        let batch: Vec<_> = ids.iter().skip(offset).step_by(3).copied().collect();
        let moved = dal.task_execution().mark_ready_many(&batch).await.unwrap();
        assert_eq!(moved, all_moved(&batch));
    }
    let started = EventType::PipelineStarted;
    let events = dal.execution_event().list_by_type(started, 99).await;
    assert_eq!(events.unwrap().len(), 10);
    for pipeline in dal.pipeline_execution().list_recent(99).await.unwrap() {
        assert_eq!(pipeline.status, PipelineStatus::Running);
    }
}

async fn ten_thousand_tasks_move_at_once(db: &TestDatabase) {
    let dal = connect(db).await;
    let mut ids = make(&dal, &vec![0; 10_000]).await;
    ids.reverse();
    let batch = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    assert_eq!(batch, all_moved(&ids));
    assert_eq!(pending(&dal).await, ids);
    assert_eq!(dal.task_outbox().count_pending().await.unwrap(), 10_000);
}
