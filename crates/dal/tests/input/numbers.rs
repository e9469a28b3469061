//! Limits, delays and cut-offs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use taskbox_dal::{EventCursor, Invariant, PipelineFilter, TaskFilter, limits::MAX_DELAY};
use taskbox_models::{EventType, TaskStatus};
use taskbox_test_support::TestDatabase;

use crate::scene::{Call, Scene, assert_each};

/// What stands for nothing, for each call of a limit.
fn limited(scene: &Scene, limit: i64) -> Vec<Call<'_>> {
    let (tasks, events, doctor) = (
        || scene.dal.task_execution(),
        || scene.dal.execution_event(),
        || scene.dal.doctor(),
    );
    let (all_tasks, all_pipelines) = (TaskFilter::default(), PipelineFilter::default());
    calls! {
        "task_execution.list": async move { tasks().list(&all_tasks, limit).await },
        "pipeline_execution.list": async move {
            scene.dal.pipeline_execution().list(&all_pipelines, limit).await
        },
        "worker.list": scene.dal.worker().list(limit),
        "task_execution.list_by_status": tasks().list_by_status(TaskStatus::NotStarted, limit),
        "task_execution.claim": tasks().claim(&scene.worker, limit),
        "task_execution.claim_from": tasks().claim_from(&scene.worker, &["default"], limit),
        "pipeline_execution.list_recent": scene.dal.pipeline_execution().list_recent(limit),
        "task_outbox.list_pending": scene.dal.task_outbox().list_pending(limit),
        "execution_event.list_by_type": events().list_by_type(EventType::TaskCreated, limit),
        "execution_event.get_recent": events().get_recent(limit),
        "execution_event.read_after": async move {
            let begin = EventCursor::default();
            Ok(events().read_after(&begin, limit).await?.events)
        },
        "execution_event.read_latest": async move { Ok(events().read_latest(limit).await?.events) },
        "doctor.broken": doctor().broken(Invariant::NothingStranded, limit),
        "doctor.open_transactions": async move {
            Ok(doctor().open_transactions(limit).await?.oldest)
        },
        "doctor.damage": doctor().damage(limit),
        "doctor.last_claims": doctor().last_claims(limit),
        "doctor.put_off": doctor().put_off(MAX_DELAY, limit),
    }
}

pub(crate) async fn a_limit_is_zero_or_more(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let (tasks, events, doctor) = (
        || scene.dal.task_execution(),
        || scene.dal.execution_event(),
        || scene.dal.doctor(),
    );
    for limit in [-1, i64::MIN] {
        let mut calls = limited(&scene, limit);
        calls.extend(calls! {
            "task_execution.recover_expired": tasks().recover_expired(limit),
            "execution_event.count_recent": events().count_recent(EventType::TaskFailed, MAX_DELAY, limit),
            "execution_event.prune": events().prune(MAX_DELAY, 0, limit),
            "doctor.foreign_events": doctor().foreign_events(limit),
            "doctor.adopt_events": doctor().adopt_events(limit),
        });
        assert_each(db, calls, "invalid limit").await;
    }
    assert_each(db, limited(&scene, 0), "[]").await;
    for limit in [0, i64::MAX] {
        let calls = calls! {
            "doctor.foreign_events": doctor().foreign_events(limit),
            "doctor.adopt_events": doctor().adopt_events(limit),
        };
        assert_each(db, calls, "0").await;
    }
    tasks().mark_ready(scene.task).await.unwrap();
    for call in limited(&scene, i64::MAX) {
        let answer = call.answer.await.unwrap();
        // The first claim has taken what there is for the second, and before it what there is NotStarted.
        let none = [
            "task_execution.list_by_status",
            "task_execution.claim_from",
            "task_outbox.list_pending",
            "doctor.broken",
            "doctor.open_transactions",
            "doctor.damage",
            "doctor.put_off",
        ];
        assert_eq!(
            answer == "[]",
            none.contains(&call.name),
            "{}: {answer}",
            call.name
        );
    }
    let recovered = tasks().recover_expired(i64::MAX).await.unwrap();
    assert!(recovered.recovered.is_empty());
}

pub(crate) async fn a_delay_beyond_a_century_is_refused(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let (tasks, claim) = (|| scene.dal.task_execution(), &scene.claim);
    let nanosecond = Duration::from_nanos(1);
    for delay in [MAX_DELAY + nanosecond, MAX_DELAY * 1000, Duration::MAX] {
        let retried = [(claim.clone(), String::new(), delay)];
        let deferred = [(claim.clone(), delay)];
        let calls = calls! {
            "task_execution.schedule": tasks().schedule(scene.task, delay),
            "task_execution.schedule_retry": tasks().schedule_retry(claim, "no", delay),
            "task_execution.schedule_retry_many": tasks().schedule_retry_many(&retried),
            "task_execution.defer": tasks().defer(claim, delay),
            "task_execution.defer_many": tasks().defer_many(&deferred),
        };
        assert_each(db, calls, "invalid delay").await;
        let doctor = || scene.dal.doctor();
        let calls = calls! { "doctor.put_off": doctor().put_off(delay, 1) };
        assert_each(db, calls, "invalid within").await;
        let events = || scene.dal.execution_event();
        let calls = calls! {
            "execution_event.prune": events().prune(delay, 0, 1),
            "execution_event.count_prunable": events().count_prunable(delay),
        };
        assert_each(db, calls, "invalid age").await;
    }
    tasks().schedule(scene.task, MAX_DELAY).await.unwrap();
    tasks().defer(claim, nanosecond).await.unwrap();
    let due = tasks().next_due().await.unwrap().unwrap();
    assert!(due <= Duration::from_millis(1), "{due:?}");
}

pub(crate) async fn a_cut_off_may_be_at_either_end_of_time(db: &TestDatabase) {
    let scene = Scene::new(db).await;
    let (rows, events) = (|| scene.dal.task_outbox(), || scene.dal.execution_event());
    let first = DateTime::from_timestamp(-210_866_803_200, 0).unwrap();
    for cutoff in [DateTime::<Utc>::MIN_UTC, first, DateTime::UNIX_EPOCH] {
        let calls = calls! {
            "task_outbox.delete_older_than": rows().delete_older_than(cutoff),
            "execution_event.count_older_than": events().count_older_than(cutoff),
            "execution_event.delete_older_than": events().delete_older_than(cutoff),
        };
        assert_each(db, calls, "0").await;
    }
    let last = DateTime::<Utc>::MAX_UTC;
    assert_eq!(rows().delete_older_than(last).await.unwrap(), 0);
    let all = events().count_older_than(last).await.unwrap();
    assert!(all > 0);
    db.is_broken_on_purpose();
    let deleted = events().delete_older_than(last).await.unwrap();
    assert_eq!(i64::try_from(deleted).unwrap(), all);
    assert!(events().get_recent(i64::MAX).await.unwrap().is_empty());
}
