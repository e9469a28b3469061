//! How the databases look for the rows of the hot statements: by index, however many rows there are.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod explain;
mod fill;
mod history;

use std::time::Duration;

use taskbox_models::{
    Claim, EventType, NewPipelineExecution, NewTaskExecution, TaskStatus, Worker,
};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use super::TABLES;
use crate::{DAL, TaskFilter};
use explain::{Statement, plans, sent};
use fill::fill;

taskbox_test_support::suite! {
    both: [
        lists_find_their_rows_by_index,
        claims_find_their_rows_by_index,
        the_ends_of_attempts_find_their_rows_by_index,
        recovery_and_leases_find_their_rows_by_index,
        pipelines_are_held_up_and_ended_by_index,
        only_counting_reads_the_outbox_from_end_to_end,
        who_looks_at_a_status_reads_the_small_tables_alone,
        lists_with_filters_find_their_rows_by_index,
    ],
    postgres: [
        no_move_reads_all_tasks_where_none_was_live_when_they_were_counted,
        a_claim_from_an_outbox_that_was_empty_compares_no_task_with_every_other,
        claims_from_where_the_outbox_begins_find_their_rows_by_index,
    ],
    sqlite: [the_dependencies_of_new_tasks_are_read_from_one_list],
}

/// What no plan may read from end to end: there are few workers.
fn is_large(table: &str) -> bool {
    table != "task_workers" && TABLES.contains(&table)
}

/// Indexes that are read from their beginning, up to a limit.
const FIRST_ROWS: [&str; 2] = ["task_outbox_claim_idx", "task_schedule_due_at_idx"];

/// Requires that the statements read no large table, nor an index of one, from end to end, but for the first rows in
/// their order; and that they use these indexes, by whatever plan.
async fn assert_seeks(db: &TestDatabase, statements: &[Statement], indexes: &[&str]) {
    assert!(!statements.is_empty());
    let mut used = Vec::new();
    for statement in statements {
        let mut used_by_all: Option<Vec<String>> = None;
        for plan in plans(db, statement).await {
            let explained = format!("{}\nis the plan of\n{}", plan.words, statement.text);
            let scanned = plan.reads.iter().find(|read| {
                read.is_whole
                    && is_large(&read.table)
                    && !read
                        .index
                        .as_ref()
                        .is_some_and(|index| FIRST_ROWS.contains(&&**index))
            });
            assert!(scanned.is_none(), "{scanned:?}\n{explained}");
            let of_plan: Vec<_> = plan
                .reads
                .into_iter()
                .filter_map(|read| read.index)
                .collect();
            let mut both = used_by_all.unwrap_or_else(|| of_plan.clone());
            both.retain(|index| of_plan.contains(index));
            used_by_all = Some(both);
        }
        used.extend(used_by_all.unwrap_or_default());
    }
    for index in indexes {
        let texts: Vec<_> = statements
            .iter()
            .map(|statement| &*statement.text)
            .collect();
        let is_used = used.iter().any(|used| used == index);
        assert!(is_used, "{index} is not used by\n{}", texts.join(";\n"));
    }
}

async fn lists_find_their_rows_by_index(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let (id, event) = (Uuid::from_u128(7), EventType::TaskFailed);
    let pending = sent!(dal, |tx| tx.task_outbox().list_pending(10));
    assert_seeks(db, &pending, &["task_outbox_claim_idx"]).await;
    let events = sent!(dal, |tx| tx.execution_event().list_by_task(id));
    assert_seeks(db, &events, &["execution_events_task_execution_id_idx"]).await;
    let events = sent!(dal, |tx| tx.execution_event().list_by_pipeline(id));
    assert_seeks(db, &events, &["execution_events_pipeline_execution_id_idx"]).await;
    let events = sent!(dal, |tx| tx.execution_event().list_by_type(event, 10));
    assert_seeks(db, &events, &["execution_events_rare_event_type_idx"]).await;
    let tasks = sent!(dal, |tx| tx.task_execution().list_by_pipeline(id));
    assert_seeks(db, &tasks, &["task_executions_pipeline_execution_id_idx"]).await;
}

async fn only_counting_reads_the_outbox_from_end_to_end(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    for statement in sent!(dal, |tx| tx.task_outbox().count_pending()) {
        for plan in plans(db, &statement).await {
            let tables: Vec<_> = plan.reads.iter().map(|read| &*read.table).collect();
            assert_eq!(tables, ["task_outbox"], "{}", plan.words);
        }
    }
}

async fn who_looks_at_a_status_reads_the_small_tables_alone(db: &TestDatabase) {
    const SMALL: [&str; 4] = [
        "task_claims",
        "task_outbox",
        "task_schedule",
        "task_workers",
    ];
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let sent = [
        sent!(dal, |tx| tx.task_outbox().depths()),
        sent!(dal, |tx| tx.task_execution().count_live()),
        sent!(dal, |tx| tx.worker().list(10)),
    ];
    for statement in sent.iter().flatten() {
        for plan in plans(db, statement).await {
            let mut reads = plan.reads.iter();
            let is_small = reads.all(|read| SMALL.contains(&&*read.table));
            assert!(is_small, "{}", plan.words);
        }
    }
}

async fn lists_with_filters_find_their_rows_by_index(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let (id, hour) = (Uuid::from_u128(7), Duration::from_hours(1));
    let failed = EventType::TaskFailed;
    let recent = sent!(dal, |tx| tx
        .execution_event()
        .count_recent(failed, hour, 10));
    assert_seeks(db, &recent, &["execution_events_rare_event_type_idx"]).await;
    let all = TaskFilter::default().queue("mail");
    let filter = all.clone().pipeline(id);
    let tasks = sent!(dal, |tx| tx.task_execution().list(&filter, 10));
    assert_seeks(db, &tasks, &["task_executions_pipeline_execution_id_idx"]).await;
    let filter = all.clone().status(TaskStatus::Failed);
    let tasks = sent!(dal, |tx| tx.task_execution().list(&filter, 10));
    assert_seeks(db, &tasks, &["execution_events_rare_event_type_idx"]).await;
    for status in [
        TaskStatus::Ready,
        TaskStatus::Running,
        TaskStatus::Scheduled,
    ] {
        let filter = all.clone().status(status).before(id);
        let tasks = sent!(dal, |tx| tx.task_execution().list(&filter, 10));
        assert_seeks(db, &tasks, &[]).await;
    }
    let by_pipeline = ["task_executions_pipeline_execution_id_idx"];
    let counts = sent!(dal, |tx| tx.task_execution().count_by_status(id));
    assert_seeks(db, &counts, &by_pipeline).await;
    let waits = sent!(dal, |tx| tx.task_execution().dependencies(&[id], 10));
    assert_seeks(db, &waits, &[]).await;
}

async fn worker(dal: &DAL) -> Worker {
    dal.worker().register("w").await.unwrap()
}

async fn claims_find_their_rows_by_index(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let ids: Vec<Uuid> = (19_991..=20_000).map(Uuid::from_u128).collect();
    let ready = sent!(dal, |tx| tx.task_execution().mark_ready_many(&ids[1..]));
    assert_seeks(db, &ready, &[]).await;
    let ready = sent!(dal, |tx| tx.task_execution().mark_ready(ids[0]));
    assert_seeks(db, &ready, &[]).await;

    let worker = worker(&dal).await;
    let promotes = |sent: &[Statement]| {
        let mut texts = sent.iter().map(|statement| &statement.text);
        texts.any(|text| text.contains("'task_marked_ready'"))
    };
    let of_due = ["task_schedule_due_at_idx", "task_outbox_claim_idx"];
    let due = sent!(dal, |tx| tx.task_execution().claim(&worker, 10));
    assert!(promotes(&due));
    assert_seeks(db, &due, &of_due).await;
    let all = sent!(dal, |tx| tx.task_execution().claim(&worker, 10));
    assert!(!promotes(&all));
    assert_seeks(db, &all, &["task_outbox_claim_idx"]).await;
    for queues in [
        &["mail"][..],
        &["default"],
        &["none"],
        &["default", "mail", "none"],
    ] {
        let claim = sent!(dal, |tx| tx
            .task_execution()
            .claim_from(&worker, queues, 10));
        assert_seeks(db, &claim, &["task_outbox_queue_idx"]).await;
    }
}

async fn claims_from_where_the_outbox_begins_find_their_rows_by_index(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let worker = worker(&dal).await;
    for queues in [&[][..], &["mail"], &["default", "mail", "video"]] {
        // The place is forgotten after a while, so this is repeated until a claim knows it.
        loop {
            let claim = if queues.is_empty() {
                sent!(dal, |tx| tx.task_execution().claim(&worker, 200))
            } else {
                sent!(dal, |tx| tx
                    .task_execution()
                    .claim_from(&worker, queues, 200))
            };
            if claim[0].text.contains("part_1") {
                assert_seeks(db, &claim, &[]).await;
                break;
            }
        }
    }
}

async fn no_move_reads_all_tasks_where_none_was_live_when_they_were_counted(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let worker = worker(&dal).await;
    let claim_from = async |queues: &[&str]| {
        sent!(dal, |tx| tx
            .task_execution()
            .claim_from(&worker, queues, 200))
    };
    let new: Vec<Uuid> = (19_991..=20_000).map(Uuid::from_u128).collect();
    let moves = [
        sent!(dal, |tx| tx.task_execution().claim(&worker, 200)),
        sent!(dal, |tx| tx.task_execution().claim(&worker, 200)),
        claim_from(&["mail"]).await,
        claim_from(&["default", "mail", "video"]).await,
        sent!(dal, |tx| tx.task_execution().mark_ready_many(&new)),
        sent!(dal, |tx| tx.task_execution().recover_expired(200)),
        sent!(dal, |tx| tx.worker().deregister(worker.clone())),
    ];
    // As where workers had kept up until then.
    db.execute("UPDATE task_executions SET status = 'Completed'")
        .await;
    db.execute("VACUUM ANALYZE task_executions").await;
    for statements in moves {
        assert_seeks(db, &statements, &[]).await;
    }
}

async fn a_claim_from_an_outbox_that_was_empty_compares_no_task_with_every_other(
    db: &TestDatabase,
) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let worker = worker(&dal).await;
    let claims = [
        sent!(dal, |tx| tx.task_execution().claim(&worker, 200)),
        sent!(dal, |tx| tx.task_execution().claim(&worker, 200)),
    ];
    db.execute("DELETE FROM task_outbox").await;
    db.execute("VACUUM ANALYZE task_outbox").await;
    for statement in claims.iter().flatten() {
        for plan in plans(db, statement).await {
            let mut compared = plan.compared.iter();
            let by_task = compared.any(|condition| condition.contains("input.id"));
            assert!(
                !by_task,
                "{}\nis the plan of\n{}",
                plan.words, statement.text
            );
        }
    }
}

async fn the_ends_of_attempts_find_their_rows_by_index(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let worker = worker(&dal).await;
    let claims = dal.task_execution().claim(&worker, 100).await.unwrap();
    let (one, many) = claims.split_at(6);
    let minute = Duration::from_mins(1);
    let sent = [
        sent!(dal, |tx| tx.task_execution().complete(&one[0], None)),
        sent!(dal, |tx| tx.task_execution().fail(&one[1], "no")),
        sent!(dal, |tx| tx
            .task_execution()
            .schedule_retry(&one[2], "no", minute)),
        sent!(dal, |tx| tx.task_execution().defer(&one[3], minute)),
        sent!(dal, |tx| tx.task_execution().release(&one[4])),
        sent!(dal, |tx| tx
            .task_execution()
            .cancel(one[5].task_execution_id())),
    ];
    for statements in sent {
        assert_seeks(db, &statements, &[]).await;
    }
    let pairs =
        |claims: &[Claim]| -> Vec<_> { claims.iter().map(|claim| (claim.clone(), None)).collect() };
    let (few, many) = (pairs(&many[..2]), pairs(&many[2..]));
    for tasks in [few, many] {
        let statements = sent!(dal, |tx| tx.task_execution().complete_many(&tasks));
        assert_seeks(db, &statements, &["task_dependencies_dependency_id_idx"]).await;
    }
}

async fn recovery_and_leases_find_their_rows_by_index(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let worker = worker(&dal).await;
    let of_worker = ["task_claims_worker_id_idx"];
    let beat = sent!(dal, |tx| tx.worker().heartbeat(&worker));
    assert_seeks(db, &beat, &[]).await;
    let claims = dal.task_execution().claim(&worker, 10).await.unwrap();
    assert_eq!(claims.len(), 10);
    let end = sent!(dal, |tx| tx.worker().deregister(worker.clone()));
    assert_seeks(db, &end, &of_worker).await;
    let recover = sent!(dal, |tx| tx.task_execution().recover_expired(10));
    assert_seeks(db, &recover, &of_worker).await;
}

async fn pipelines_are_held_up_and_ended_by_index(db: &TestDatabase) {
    fill(db).await;
    let dal = DAL::connect(db.url()).await.unwrap();
    let id = Uuid::from_u128(7);
    for mut sent in [
        sent!(dal, |tx| tx.pipeline_execution().pause(id, "lunch")),
        sent!(dal, |tx| tx.pipeline_execution().resume(id)),
        sent!(dal, |tx| tx.pipeline_execution().cancel(id)),
    ] {
        // What `RETURNING` gives back is a scan, in the words of SQLite.
        sent.retain(|statement| !statement.text.starts_with("INSERT"));
        assert_seeks(db, &sent, &["task_executions_pipeline_execution_id_idx"]).await;
    }
}

async fn the_dependencies_of_new_tasks_are_read_from_one_list(db: &TestDatabase) {
    let dal = DAL::connect(db.url()).await.unwrap();
    let new = NewPipelineExecution::new("fan");
    let pipeline = dal.pipeline_execution().create(new).await.unwrap().id;
    let first = NewTaskExecution::new(pipeline, "a").id(Uuid::now_v7());
    let second = NewTaskExecution::new(pipeline, "b").after(&[first.id.unwrap()]);
    let new = vec![first, second];
    let create = sent!(dal, |tx| tx.task_execution().create_many(new.clone()));
    let mut insert = create
        .iter()
        .filter(|sent| sent.text.contains("INTO task_dependencies"));
    let words = plans(db, insert.next().unwrap()).await.remove(0).words;
    assert_eq!(words.matches("VIRTUAL TABLE").count(), 1, "{words}");
}
