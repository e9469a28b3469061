//! What `dal.task_execution()` promises, beside the transitions.

use serde_json::json;
use taskbox_dal::{DAL, Error};
use taskbox_models::{
    EventType, NewPipelineExecution, NewTaskExecution, PipelineStatus, RunWhen, TaskStatus,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    a_task_is_made_as_it_was_described,
    a_task_has_sensible_defaults,
    mark_ready_changes_status_outbox_and_history,
}

async fn connect(db: &TestDatabase) -> DAL {
    DAL::connect(db.url()).await.unwrap()
}

async fn a_task_is_made_as_it_was_described(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = dal
        .pipeline_execution()
        .create(NewPipelineExecution::new("import"))
        .await
        .unwrap();
    let id = Uuid::now_v7();
    let new = NewTaskExecution::new(pipeline.id, "fetch")
        .id(id)
        .input(json!({"url": "https://example.org", "π": 3.25}))
        .max_attempts(7)
        .queue("mail")
        .priority(-3);
    let task = dal.task_execution().create(new).await.unwrap();
    assert_eq!(task.id, id);
    assert_eq!(task.pipeline_execution_id, Some(pipeline.id));
    assert_eq!(task.task_name, "fetch");
    assert_eq!(
        task.input,
        Some(json!({"url": "https://example.org", "π": 3.25}))
    );
    assert_eq!(
        (task.max_attempts, task.queue.as_str(), task.priority),
        (7, "mail", -3)
    );
    assert_eq!(dal.task_execution().get(id).await.unwrap(), task);
}

async fn a_task_has_sensible_defaults(db: &TestDatabase) {
    let task = connect(db)
        .await
        .task_execution()
        .create(NewTaskExecution::standalone("mail"))
        .await
        .unwrap();
    assert_eq!(task.status, TaskStatus::NotStarted);
    assert_eq!(task.pipeline_execution_id, None);
    assert_eq!((task.queue.as_str(), task.priority), ("default", 0));
    assert_eq!(
        (task.attempt, task.max_attempts, task.recoveries, task.epoch),
        (0, 5, 0, 0)
    );
    assert_eq!(
        (task.run_when, task.open_dependencies),
        (RunWhen::AllCompleted, 0)
    );
    assert_eq!((task.input, task.output), (None, None));
}

async fn mark_ready_changes_status_outbox_and_history(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = dal
        .pipeline_execution()
        .create(NewPipelineExecution::new("import"))
        .await
        .unwrap();
    let task = dal
        .task_execution()
        .create(NewTaskExecution::new(pipeline.id, "a"))
        .await
        .unwrap();
    let other = dal
        .task_execution()
        .create(NewTaskExecution::standalone("b"))
        .await
        .unwrap();
    dal.task_execution().mark_ready(task.id).await.unwrap();
    dal.task_execution().mark_ready(other.id).await.unwrap();
    assert!(matches!(
        dal.task_execution().mark_ready(task.id).await,
        Err(Error::Conflict(_))
    ));
    assert_eq!(
        dal.task_execution().get(task.id).await.unwrap().status,
        TaskStatus::Ready
    );
    let pending: Vec<_> = dal
        .task_outbox()
        .list_pending(10)
        .await
        .unwrap()
        .iter()
        .map(|r| r.task_execution_id)
        .collect();
    assert_eq!(pending, [task.id, other.id]);
    let events = dal
        .execution_event()
        .list_by_pipeline(pipeline.id)
        .await
        .unwrap();
    let types: Vec<_> = events.iter().map(|e| e.event_type).collect();
    assert_eq!(
        types,
        [
            EventType::PipelineCreated,
            EventType::TaskCreated,
            EventType::PipelineStarted,
            EventType::TaskMarkedReady
        ]
    );
    assert_eq!(
        dal.pipeline_execution()
            .get(pipeline.id)
            .await
            .unwrap()
            .status,
        PipelineStatus::Running
    );
    dal.task_execution().cancel(task.id).await.unwrap();
    assert_eq!(
        dal.pipeline_execution()
            .get(pipeline.id)
            .await
            .unwrap()
            .status,
        PipelineStatus::Cancelled
    );
    let third = dal
        .task_execution()
        .create(NewTaskExecution::standalone("c"))
        .await
        .unwrap();
    dal.task_execution()
        .schedule(third.id, std::time::Duration::from_secs(3600))
        .await
        .unwrap();
    let events = dal.execution_event().list_by_task(third.id).await.unwrap();
    println!("{events:?}");
    let fourth = dal
        .task_execution()
        .create(NewTaskExecution::standalone("c"))
        .await
        .unwrap();
    dal.task_execution()
        .skip(fourth.id, "not needed")
        .await
        .unwrap();
    let m = dal
        .task_execution()
        .mark_ready_many(&[third.id, fourth.id, third.id, Uuid::nil()])
        .await
        .unwrap();
    println!("{m:?}");
}
