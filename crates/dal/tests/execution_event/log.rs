//! The events of all tasks together: the newest, those of a type, and the old ones.

use taskbox_dal::DAL;
use taskbox_models::{EventType, TaskStatus};
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
    a_type_lists_its_newest_events_first,
    the_recent_events_come_newest_first,
    a_negative_limit_is_refused,
    old_events_are_counted_and_deleted,
}

async fn a_type_lists_its_newest_events_first(db: &TestDatabase) {
    let dal = connect(db).await;
    // One type that most events are of, and one that few are.
    for event_type in [EventType::TaskCreated, EventType::TaskCancelled] {
        let mut newest = Vec::new();
        for _ in 0..3 {
            newest.insert(0, task_in(&dal, None, TaskStatus::Cancelled).await);
        }
        for (limit, count) in [(3, 3), (2, 2), (0, 0)] {
            let events = dal.execution_event();
            let events = events.list_by_type(event_type, limit).await.unwrap();
            assert!(events.iter().all(|event| event.event_type == event_type));
            let tasks: Vec<_> = events.iter().filter_map(|e| e.task_execution_id).collect();
            assert_eq!(tasks, newest[..count]);
        }
    }
    for event_type in EventType::ALL.iter().copied() {
        let listed = dal
            .execution_event()
            .list_by_type(event_type, i64::MAX)
            .await;
        let recent = dal.execution_event().get_recent(i64::MAX).await.unwrap();
        let of_type = recent
            .into_iter()
            .filter(|event| event.event_type == event_type);
        assert_eq!(listed.unwrap(), of_type.collect::<Vec<_>>());
    }
}

async fn the_recent_events_come_newest_first(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = pipeline(&dal).await;
    for task in [None, Some(pipeline)] {
        task_in(&dal, task, TaskStatus::Cancelled).await;
    }
    let recent = dal.execution_event().get_recent(99).await.unwrap();
    assert!(recent.is_sorted_by(|a, b| a.id > b.id));
    let types: Vec<_> = recent.iter().map(|event| event.event_type).collect();
    let expected = [
        EventType::PipelineCancelled,
        EventType::TaskCancelled,
        EventType::PipelineStarted,
        EventType::TaskCreated,
        EventType::TaskCancelled,
        EventType::TaskCreated,
        EventType::PipelineCreated,
    ];
    assert_eq!(types, expected);
    for limit in 0..=expected.len() {
        let newest = dal
            .execution_event()
            .get_recent(i64::try_from(limit).unwrap());
        assert_eq!(newest.await.unwrap(), recent[..limit]);
    }
}

async fn a_negative_limit_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    for limit in [-1, i64::MIN] {
        let events = dal.execution_event().get_recent(limit);
        assert_refused(db, events, negative(limit)).await;
        let events = dal
            .execution_event()
            .list_by_type(EventType::TaskCreated, limit);
        assert_refused(db, events, negative(limit)).await;
    }
}

async fn old_events_are_counted_and_deleted(db: &TestDatabase) {
    // A history without its beginning is what was asked for.
    db.is_broken_on_purpose();
    let dal = connect(db).await;
    let task = task_in(&dal, Some(pipeline(&dal).await), TaskStatus::Ready).await;
    let events = dal.execution_event().get_recent(99).await.unwrap();
    assert_eq!(events.len(), 4);
    for (index, event) in events.iter().take(3).enumerate() {
        let moment = long_ago(i64::try_from(index).unwrap());
        backdate(db, "execution_events", event.id, moment).await;
    }
    let before = db.dump().await;
    for (cutoff, older) in [(0, 0), (1, 1), (2, 2)] {
        let cutoff = long_ago(cutoff);
        assert_eq!(
            dal.execution_event()
                .count_older_than(cutoff)
                .await
                .unwrap(),
            older
        );
    }
    assert_eq!(delete_older_than(&dal, 0).await, 0);
    assert_eq!(db.dump().await, before);
    assert_eq!(delete_older_than(&dal, 2).await, 2);
    assert_eq!(delete_older_than(&dal, 2).await, 0);
    let left = dal.execution_event().get_recent(99).await.unwrap();
    let ids: Vec<_> = left.iter().map(|event| event.id).collect();
    assert_eq!(ids, [events[2].id, events[3].id]);
    assert_eq!(delete_older_than(&dal, 1_000).await, 1);
    // The tasks are as they were.
    let mut after = db.dump().await;
    after.insert("execution_events", before["execution_events"].clone());
    assert_eq!(after, before);
    assert_eq!(
        dal.task_execution().get(task).await.unwrap().status,
        TaskStatus::Ready
    );
}

async fn delete_older_than(dal: &DAL, seconds: i64) -> usize {
    let cutoff = long_ago(seconds);
    dal.execution_event()
        .delete_older_than(cutoff)
        .await
        .unwrap()
}
