//! Golden snapshots of the SQL of every operation: its statements in the order in which they are sent.
//!
//! One file per operation and backend, in `snapshots/`. A change shows as a diff; `INSTA_UPDATE=always
//! cargo test` accepts it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod doctor;
mod look;
mod operations;
mod pipelines;

use std::time::Duration;

use chrono::DateTime;
use serde_json::json;
use taskbox_models::{
    EventType, NewPipelineExecution, NewTaskExecution, NewTaskOutbox, TaskStatus, Transition,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use super::{
    recorder::record,
    transition::{Argument, Change, Source, apply},
};
use crate::DAL;
use operations::{OPERATIONS, SWEEP};

taskbox_test_support::suite! {
    both: [
        a_transition_sends_the_same_text_for_any_number_of_tasks,
        a_transition_of_one_task_takes_it_as_a_value,
        creating_sends_the_same_text_for_any_number_of_tasks,
        tasks_are_read_by_these_statements,
        the_outbox_is_kept_by_these_statements,
        events_are_kept_by_these_statements,
        ready_tasks_are_claimed_by_these_statements,
        attempts_are_ended_by_these_statements,
        many_attempts_are_ended_by_the_same_text,
        workers_are_kept_by_these_statements,
        tasks_are_brought_back_by_these_statements,
    ],
    postgres: [a_live_row_that_the_statement_missed_is_swept],
}

fn assert_snapshot(db: &TestDatabase, operation: &str, statements: &[String]) {
    assert!(OPERATIONS.contains(&operation), "{operation} is not listed");
    let mut settings = insta::Settings::new();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let name = format!("{operation}.{}", db.backend());
    settings.bind(|| insta::assert_snapshot!(name, statements.join(";\n\n")));
}

async fn connect(db: &TestDatabase) -> DAL {
    DAL::connect(db.url()).await.unwrap()
}

/// Tasks in every status from which the transition starts, `number` of each and of each in a pipeline that
/// waits or runs: so every statement that the transition can need is sent.
async fn tasks_to_move(
    db: &TestDatabase,
    dal: &DAL,
    transition: Transition,
    number: usize,
) -> Vec<Uuid> {
    let mut tasks = Vec::new();
    for status in transition.rule().from {
        let pipeline = dal
            .pipeline_execution()
            .create(NewPipelineExecution::new("import"))
            .await
            .unwrap();
        let new = vec![NewTaskExecution::new(pipeline.id, "a"); number];
        let made = dal.task_execution().create_many(new).await.unwrap();
        for task in made {
            bring_to(db, dal, task.id, *status).await;
            tasks.push(task.id);
        }
    }
    tasks
}

async fn bring_to(db: &TestDatabase, dal: &DAL, task: Uuid, status: TaskStatus) {
    match status {
        TaskStatus::Scheduled => {
            let delay = Duration::from_mins(1);
            dal.task_execution().schedule(task, delay).await.unwrap();
        }
        TaskStatus::Ready | TaskStatus::Running => {
            dal.task_execution().mark_ready(task).await.unwrap();
        }
        _ => {}
    }
    if status == TaskStatus::Running {
        // Nothing looks at claims but who leaves them.
        db.is_broken_on_purpose();
        let id = db.uuid_literal(task);
        let sql = format!("UPDATE task_executions SET status = 'Running' WHERE id = {id}");
        db.execute(&sql).await;
    }
}

async fn move_statements(dal: &DAL, transition: Transition, tasks: &[Uuid]) -> Vec<String> {
    let argument = match transition {
        Transition::Schedule => Argument::DueIn(1),
        Transition::Skip => Argument::Reason("not needed"),
        _ => Argument::None,
    };
    let source = Source::Named { tasks, argument };
    let rule = transition.rule();
    let change = Change { rule, source };
    record!(dal, |tx| apply(tx, change))
}

async fn a_transition_sends_the_same_text_for_any_number_of_tasks(db: &TestDatabase) {
    let dal = connect(db).await;
    for transition in [
        Transition::MarkReady,
        Transition::Schedule,
        Transition::Skip,
        Transition::Cancel,
    ] {
        let few = tasks_to_move(db, &dal, transition, 2).await;
        let many = tasks_to_move(db, &dal, transition, 20).await;
        let statements = move_statements(&dal, transition, &few).await;
        assert_eq!(statements, move_statements(&dal, transition, &many).await);
        assert_snapshot(db, transition.rule().name, &statements);
    }
}

async fn a_transition_of_one_task_takes_it_as_a_value(db: &TestDatabase) {
    let dal = connect(db).await;
    let tasks = tasks_to_move(db, &dal, Transition::MarkReady, 1).await;
    let statements = move_statements(&dal, Transition::MarkReady, &tasks[..1]).await;
    assert_snapshot(db, "mark_ready_one", &statements);
}

/// Such a row is written by another transaction while the statement waits; here, there is none at all.
async fn a_live_row_that_the_statement_missed_is_swept(db: &TestDatabase) {
    let dal = connect(db).await;
    let tasks = tasks_to_move(db, &dal, Transition::MarkReady, 1).await;
    db.execute("DELETE FROM task_schedule").await;
    let statements = move_statements(&dal, Transition::MarkReady, &tasks).await;
    assert_snapshot(db, SWEEP, &statements);
}

async fn creating_sends_the_same_text_for_any_number_of_tasks(db: &TestDatabase) {
    let dal = connect(db).await;
    let pipeline = dal
        .pipeline_execution()
        .create(NewPipelineExecution::new("import"))
        .await
        .unwrap();
    let new = || {
        NewTaskExecution::new(pipeline.id, "a")
            .id(Uuid::now_v7())
            .input(json!({}))
    };
    let many = (0..20).map(|_| new()).collect();
    let statements = record!(dal, |tx| tx.task_execution().create(new()));
    let of_many = record!(dal, |tx| tx.task_execution().create_many(many));
    assert_eq!(statements, of_many);
    assert_snapshot(db, "create", &statements);
}

async fn tasks_are_read_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewTaskExecution::standalone("a");
    let task = dal.task_execution().create(new).await.unwrap().id;
    let status = TaskStatus::Ready;
    let get = record!(dal, |tx| tx.task_execution().get(task));
    assert_snapshot(db, "task_get", &get);
    let outputs = record!(dal, |tx| tx.task_execution().dependency_outputs(task));
    assert_snapshot(db, "task_dependency_outputs", &outputs);
    let list = record!(dal, |tx| tx.task_execution().list_by_pipeline(task));
    assert_snapshot(db, "task_list_by_pipeline", &list);
    let list = record!(dal, |tx| tx.task_execution().list_by_status(status, 1));
    assert_snapshot(db, "task_list_by_status", &list);
    let due = record!(dal, |tx| tx.task_execution().next_due());
    assert_snapshot(db, "task_next_due", &due);
}

async fn the_outbox_is_kept_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let new = NewTaskExecution::standalone("a");
    let task_execution_id = dal.task_execution().create(new).await.unwrap().id;
    dal.task_execution()
        .mark_ready(task_execution_id)
        .await
        .unwrap();
    db.execute("DELETE FROM task_outbox").await;
    let row = NewTaskOutbox { task_execution_id };
    let create = record!(dal, |tx| tx.task_outbox().create(row));
    assert_snapshot(db, "outbox_create", &create);
    let list = record!(dal, |tx| tx.task_outbox().list_pending(1));
    assert_snapshot(db, "outbox_list_pending", &list);
    let count = record!(dal, |tx| tx.task_outbox().count_pending());
    assert_snapshot(db, "outbox_count_pending", &count);
    let delete = record!(dal, |tx| tx.task_outbox().delete(1));
    assert_snapshot(db, "outbox_delete", &delete);
    let delete = record!(dal, |tx| tx.task_outbox().delete_by_task(task_execution_id));
    assert_snapshot(db, "outbox_delete_by_task", &delete);
    let cutoff = DateTime::UNIX_EPOCH;
    let delete = record!(dal, |tx| tx.task_outbox().delete_older_than(cutoff));
    assert_snapshot(db, "outbox_delete_older_than", &delete);
}

async fn events_are_kept_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let (id, event, cutoff) = (Uuid::nil(), EventType::TaskFailed, DateTime::UNIX_EPOCH);
    let list = record!(dal, |tx| tx.execution_event().list_by_task(id));
    assert_snapshot(db, "event_list_by_task", &list);
    let list = record!(dal, |tx| tx.execution_event().list_by_pipeline(id));
    assert_snapshot(db, "event_list_by_pipeline", &list);
    let list = record!(dal, |tx| tx.execution_event().list_by_type(event, 1));
    assert_snapshot(db, "event_list_by_type", &list);
    let list = record!(dal, |tx| tx.execution_event().get_recent(1));
    assert_snapshot(db, "event_get_recent", &list);
    let count = record!(dal, |tx| tx.execution_event().count_older_than(cutoff));
    assert_snapshot(db, "event_count_older_than", &count);
    let delete = record!(dal, |tx| tx.execution_event().delete_older_than(cutoff));
    assert_snapshot(db, "event_delete_older_than", &delete);
    let pipeline = NewPipelineExecution::new("import");
    let pipeline = dal.pipeline_execution().create(pipeline).await.unwrap().id;
    dal.pipeline_execution().cancel(pipeline).await.unwrap();
    let own = dal
        .task_execution()
        .create(NewTaskExecution::standalone("t"));
    dal.task_execution()
        .cancel(own.await.unwrap().id)
        .await
        .unwrap();
    let count = record!(dal, |tx| tx
        .execution_event()
        .count_prunable(Duration::ZERO));
    assert_snapshot(db, "event_count_prunable", &count);
    let prune = record!(dal, |tx| tx.execution_event().prune(Duration::ZERO, 0, 100));
    assert_snapshot(db, "event_prune", &prune);
}

/// Makes tasks in a pipeline ready, as many as are named.
async fn make_ready(dal: &DAL, number: usize) -> Vec<Uuid> {
    let new = NewPipelineExecution::new("import");
    let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
    let new = vec![NewTaskExecution::new(pipeline, "a"); number];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let tasks: Vec<_> = made.iter().map(|task| task.id).collect();
    let _ = dal.task_execution().mark_ready_many(&tasks).await.unwrap();
    tasks
}

async fn ready_tasks_are_claimed_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    let tasks = make_ready(&dal, 30).await;
    let claim = record!(dal, |tx| tx.task_execution().claim(&worker, 2));
    let of_many = record!(dal, |tx| tx.task_execution().claim(&worker, 20));
    assert_eq!(claim, of_many);
    assert_snapshot(db, "claim", &claim);
    let queues = ["default", "mail"];
    let claim = record!(dal, |tx| tx
        .task_execution()
        .claim_from(&worker, &queues, 2));
    assert_snapshot(db, "claim_from", &claim);
    let new = NewTaskExecution::standalone("a");
    let due = dal.task_execution().create(new).await.unwrap().id;
    dal.task_execution()
        .schedule(due, Duration::ZERO)
        .await
        .unwrap();
    let claim = record!(dal, |tx| tx.task_execution().claim(&worker, 20));
    assert_snapshot(db, "claim_due", &claim);
    assert_eq!(tasks.len(), 30);
}

async fn attempts_are_ended_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    make_ready(&dal, 5).await;
    let claims = dal.task_execution().claim(&worker, 5).await.unwrap();
    let delay = Duration::from_mins(1);
    let output = Some(json!({}));
    let end = record!(dal, |tx| tx.task_execution().defer(&claims[0], delay));
    assert_snapshot(db, "defer", &end);
    let end = record!(dal, |tx| tx.task_execution().release(&claims[1]));
    assert_snapshot(db, "release", &end);
    let end = record!(dal, |tx| tx.task_execution().fail(&claims[2], "no"));
    assert_snapshot(db, "fail", &end);
    let end = record!(dal, |tx| {
        tx.task_execution().schedule_retry(&claims[3], "no", delay)
    });
    assert_snapshot(db, "schedule_retry", &end);
    let end = record!(dal, |tx| {
        tx.task_execution().complete(&claims[4], output.clone())
    });
    assert_snapshot(db, "complete", &end);
}

async fn many_attempts_are_ended_by_the_same_text(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    make_ready(&dal, 23).await;
    let mut claims = dal.task_execution().claim(&worker, 22).await.unwrap();
    let delay = Duration::from_mins(1);
    let retried: Vec<_> = claims
        .drain(20..)
        .map(|claim| (claim, "no".to_owned(), delay))
        .collect();
    let retry = record!(dal, |tx| tx.task_execution().schedule_retry_many(&retried));
    assert_snapshot(db, "schedule_retry_many", &retry);
    let batch: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
    let few = record!(dal, |tx| tx.task_execution().complete_many(&batch[..2]));
    let many = record!(dal, |tx| tx.task_execution().complete_many(&batch[2..]));
    assert_eq!(few, many);
    assert_snapshot(db, "complete_many", &few);
}

async fn workers_are_kept_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let register = record!(dal, |tx| tx.worker().register("w"));
    assert_snapshot(db, "register", &register);
    let worker = dal.worker().register("w").await.unwrap();
    let heartbeat = record!(dal, |tx| tx.worker().heartbeat(&worker));
    assert_snapshot(db, "heartbeat", &heartbeat);
    make_ready(&dal, 1).await;
    dal.task_execution().claim(&worker, 1).await.unwrap();
    let deregister = record!(dal, |tx| tx.worker().deregister(worker.clone()));
    assert_snapshot(db, "deregister", &deregister);
}

async fn tasks_are_brought_back_by_these_statements(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    make_ready(&dal, 2).await;
    let claims = dal.task_execution().claim(&worker, 2).await.unwrap();
    let failed = claims[0].task_execution_id();
    dal.task_execution().fail(&claims[0], "no").await.unwrap();
    let redrive = record!(dal, |tx| tx.task_execution().redrive(failed));
    assert_snapshot(db, "redrive", &redrive);
    db.execute("UPDATE task_workers SET lease_expires_at = registered_at")
        .await;
    let recover = record!(dal, |tx| tx.task_execution().recover_expired(10));
    assert_snapshot(db, "recover", &recover);
}
