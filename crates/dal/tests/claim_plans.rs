//! A claim takes what it was asked for, by whatever plan.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
}

use support::connect::connect;
use taskbox_dal::DAL;
use taskbox_models::{Claim, NewTaskExecution, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    postgres: [
        a_claim_takes_the_first_tasks_by_a_plan_of_its_own,
        a_claim_takes_the_first_tasks_by_a_kept_plan_without_one_thing,
        a_claim_takes_the_first_tasks_by_a_kept_plan_without_several,
    ]
}

/// What Postgres is to do without.
const PLANS: [&[&str]; 12] = [
    &[],
    &["enable_hashjoin"],
    &["enable_mergejoin"],
    &["enable_nestloop"],
    &["enable_seqscan"],
    &["enable_sort", "enable_incremental_sort"],
    &["enable_material", "enable_memoize"],
    &[
        "enable_indexscan",
        "enable_indexonlyscan",
        "enable_bitmapscan",
    ],
    &["enable_hashjoin", "enable_mergejoin"],
    &["enable_hashjoin", "enable_nestloop"],
    &["enable_mergejoin", "enable_nestloop"],
    &[
        "enable_indexscan",
        "enable_sort",
        "enable_nestloop",
        "enable_hashjoin",
    ],
];
/// Where those begin that do without several.
const PAIRS: usize = 5;
const QUEUES: [&str; 3] = ["mail", "video", "audio"];
const TASKS: usize = 600;

/// A task that is ready, in the order of claims.
#[derive(Clone, Copy)]
struct Ready {
    task: Uuid,
    queue: &'static str,
}

async fn a_claim_takes_the_first_tasks_by_a_plan_of_its_own(db: &TestDatabase) {
    take_all(db, "force_custom_plan", &PLANS[..2]).await;
}

async fn a_claim_takes_the_first_tasks_by_a_kept_plan_without_one_thing(db: &TestDatabase) {
    take_all(db, "force_generic_plan", &PLANS[..PAIRS]).await;
}

async fn a_claim_takes_the_first_tasks_by_a_kept_plan_without_several(db: &TestDatabase) {
    take_all(db, "force_generic_plan", &PLANS[PAIRS..]).await;
}

async fn take_all(db: &TestDatabase, mode: &str, plans: &[&[&str]]) {
    for off in plans {
        configure(db, mode, off).await;
        let dal = connect(db).await;
        let worker = dal.worker().register("w").await.unwrap();
        let mut ready = make_ready(&dal).await;
        db.execute("ANALYZE").await;
        let scopes = [&QUEUES[..], &QUEUES[1..2], &QUEUES[..2], &[]];
        for queues in scopes {
            // The last begins where those before it have.
            for limit in [7, 100, 7, 7] {
                let expected = take(&mut ready, queues, limit);
                let claimed = claim(&dal, &worker, queues, limit).await;
                assert_eq!(claimed, expected, "{queues:?} by {mode}, {off:?} off");
            }
        }
        let rest = ready.len() + 1;
        assert_eq!(claim(&dal, &worker, &[], rest).await.len(), ready.len());
    }
}

/// For connections that are made from now on.
async fn configure(db: &TestDatabase, mode: &str, off: &[&str]) {
    let set = |setting: String| {
        format!("EXECUTE format('ALTER DATABASE %I SET {setting}', current_database());")
    };
    let off = off.iter().map(|name| set(format!("{name} = off")));
    let settings = off.chain([set(format!("plan_cache_mode = {mode}"))]);
    let settings: String = settings.collect();
    let reset = "EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());";
    db.execute(&format!("DO $$ BEGIN {reset} {settings} END $$"))
        .await;
}

async fn make_ready(dal: &DAL) -> Vec<Ready> {
    let kind = |n: usize| (i32::from(n.is_multiple_of(5)), QUEUES[n % QUEUES.len()]);
    let new = (0..TASKS).map(|n| {
        let (priority, queue) = kind(n);
        NewTaskExecution::standalone("t")
            .queue(queue)
            .priority(priority)
    });
    let made = dal.task_execution().create_many(new.collect()).await;
    let ids: Vec<Uuid> = made.unwrap().iter().map(|task| task.id).collect();
    let moved = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    assert_eq!(moved.moved, ids);
    let mut order: Vec<usize> = (0..TASKS).collect();
    order.sort_by_key(|n| -kind(*n).0);
    let ready = |n: usize| Ready {
        task: ids[n],
        queue: kind(n).1,
    };
    order.into_iter().map(ready).collect()
}

/// Takes the first of these queues out of the list.
fn take(ready: &mut Vec<Ready>, queues: &[&str], limit: usize) -> Vec<Uuid> {
    let mut taken = Vec::new();
    ready.retain(|row| {
        let is_next = taken.len() < limit && (queues.is_empty() || queues.contains(&row.queue));
        if is_next {
            taken.push(row.task);
        }
        !is_next
    });
    taken
}

async fn claim(dal: &DAL, worker: &Worker, queues: &[&str], limit: usize) -> Vec<Uuid> {
    let limit = i64::try_from(limit).unwrap();
    let claims = if queues.is_empty() {
        dal.task_execution().claim(worker, limit).await
    } else {
        dal.task_execution().claim_from(worker, queues, limit).await
    };
    let claims = claims.unwrap();
    claims.iter().map(Claim::task_execution_id).collect()
}
