//! Claims remember where the outbox begins: they do not read what was claimed, and overlook nothing that is there.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod connect;
}

use diesel::sql_types::BigInt;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use support::connect::connect;
use taskbox_dal::{DAL, Error, Tx};
use taskbox_models::{Claim, NewTaskExecution, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    both: [rows_are_claimed_by_priority_wherever_the_head_is],
    postgres: [
        a_row_that_is_committed_late_is_claimed_when_there_is_no_other,
        a_claim_does_not_read_what_an_open_snapshot_keeps,
    ],
}

/// More than a head has to move before it is remembered.
const MANY: usize = 300;
const BATCH: i64 = 100;
/// More tasks than Postgres would rather read than look up.
const VERY_MANY: usize = 3_000;

async fn make_ready(dal: &DAL, number: usize, priority: i32) -> Vec<Uuid> {
    let new = vec![NewTaskExecution::standalone("t").priority(priority); number];
    let made = dal.task_execution().create_many(new).await.unwrap();
    let ids: Vec<Uuid> = made.iter().map(|task| task.id).collect();
    let _ = dal.task_execution().mark_ready_many(&ids).await.unwrap();
    ids
}

/// Claims so many in small batches, so that the head moves.
async fn claim(dal: &DAL, worker: &Worker, number: usize) -> Vec<Uuid> {
    let mut claimed = Vec::new();
    while claimed.len() < number {
        let claims = dal.task_execution().claim(worker, BATCH).await.unwrap();
        assert!(
            !claims.is_empty(),
            "{} of {number} are there",
            claimed.len()
        );
        claimed.extend(claims.iter().map(Claim::task_execution_id));
    }
    claimed
}

async fn a_row_that_is_committed_late_is_claimed_when_there_is_no_other(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    let new = NewTaskExecution::standalone("late");
    let late = dal.task_execution().create(new).await.unwrap().id;
    dal.transaction(async |tx: &mut Tx<'_>| {
        tx.task_execution().mark_ready(late).await?;
        make_ready(&dal, MANY, 0).await;
        claim(&dal, &worker, MANY).await;
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!(claim(&dal, &worker, 1).await, [late]);
}

async fn rows_are_claimed_by_priority_wherever_the_head_is(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    let mut expected = make_ready(&dal, MANY, 5).await;
    expected.extend(make_ready(&dal, MANY, 0).await);
    assert_eq!(claim(&dal, &worker, 2 * MANY).await, expected);
    // Above, between and below the priorities that are known, and of both.
    let mut late = Vec::new();
    for priority in [9, 5, 3, 0, -2] {
        late.extend(make_ready(&dal, 2, priority).await);
    }
    assert_eq!(claim(&dal, &worker, late.len()).await, late);
}

async fn a_claim_does_not_read_what_an_open_snapshot_keeps(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    make_ready(&dal, VERY_MANY + 10, 0).await;
    db.execute("ANALYZE").await;
    dal.transaction(async |reader: &mut Tx<'_>| {
        let connection = reader.postgres()?;
        connection
            .batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT")
            .await?;
        claim(&dal, &worker, VERY_MANY).await;
        // One in a while looks everywhere, and reads what the others leave out.
        let mut least = i64::MAX;
        for _ in 0..10 {
            let read = dal
                .transaction(async |tx: &mut Tx<'_>| {
                    tx.task_execution().claim(&worker, 1).await?;
                    entries_read(tx).await
                })
                .await?;
            least = least.min(read);
        }
        assert!(
            least < 1_000,
            "{least} entries of the index were read for 1"
        );
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

/// How many entries of the claim's index this transaction has read, dead ones included.
async fn entries_read(tx: &mut Tx<'_>) -> Result<i64, Error> {
    #[derive(diesel::QueryableByName)]
    struct Answer {
        #[diesel(sql_type = BigInt)]
        entries: i64,
    }
    let answer: Answer = diesel::sql_query(
        "SELECT pg_stat_get_xact_tuples_returned('task_outbox_claim_idx'::regclass) AS entries",
    )
    .get_result(tx.postgres()?)
    .await?;
    Ok(answer.entries)
}
