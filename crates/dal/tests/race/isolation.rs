//! Transactions at REPEATABLE READ, which see the tables as they were before others changed them: what they do is
//! right, or the database refuses it.

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection, TransactionManager};
use taskbox_dal::{DAL, Error, Result, Tx};
use taskbox_models::TaskStatus;
use taskbox_test_support::TestDatabase;

use crate::{
    serial::{Answer, ENDS, ON_DUE, ON_FAILED, ON_READY, ON_RUNNING, Op, State, prepare, said},
    support::{
        call::Call,
        scene::{connect, ready_without_a_row, status},
    },
};

taskbox_test_support::suite! {
    postgres: [
        who_sees_the_tables_from_before_the_end_of_an_attempt_is_right_or_refused,
        who_sees_the_tables_from_before_another_call_is_right_or_refused,
        who_joins_a_transaction_that_sees_old_tables_is_right_or_refused,
        a_cancel_that_cannot_see_a_row_of_the_outbox_is_refused,
    ],
}

async fn who_sees_the_tables_from_before_the_end_of_an_attempt_is_right_or_refused(
    db: &TestDatabase,
) {
    let dal = connect(db).await;
    for in_pipeline in [false, true] {
        for (first, second) in pairs(&ENDS, &Op::ALL) {
            let case = Case::new(&dal, TaskStatus::Running, in_pipeline, first, second);
            case.check(db, Door::Own).await;
        }
    }
}

async fn who_sees_the_tables_from_before_another_call_is_right_or_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    for (at, firsts) in others() {
        for (first, second) in pairs(firsts, &Op::ALL) {
            let case = Case::new(&dal, at, true, first, second);
            case.check(db, Door::Own).await;
        }
    }
}

async fn who_joins_a_transaction_that_sees_old_tables_is_right_or_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    for (at, firsts) in others() {
        for (first, second) in pairs(firsts, &[Op::Cancel, Op::Claim, Op::Complete]) {
            let case = Case::new(&dal, at, false, first, second);
            case.check(db, Door::Joined).await;
        }
    }
}

/// A row that was put there meanwhile, for a task that had none.
async fn a_cancel_that_cannot_see_a_row_of_the_outbox_is_refused(db: &TestDatabase) {
    let dal = connect(db).await;
    let task = ready_without_a_row(db, &dal).await;
    let refused = own(&dal, &(Call::CreateRow(task), Call::Cancel(task))).await;
    assert!(matches!(refused, Err(Error::Database(_))), "{refused:?}");
    assert_eq!(status(&dal, task).await, TaskStatus::Ready);
}

fn others() -> [(TaskStatus, &'static [Op]); 4] {
    [
        (TaskStatus::Running, &ON_RUNNING),
        (TaskStatus::Ready, &ON_READY),
        (TaskStatus::Scheduled, &ON_DUE),
        (TaskStatus::Failed, &ON_FAILED),
    ]
}

fn pairs(firsts: &[Op], seconds: &[Op]) -> impl Iterator<Item = (Op, Op)> {
    firsts
        .iter()
        .flat_map(|first| seconds.iter().map(|second| (*first, *second)))
}

/// Whose transaction it is.
#[derive(Clone, Copy)]
enum Door {
    Own,
    Joined,
}

/// The second call sees the tables as they were before the first.
struct Case<'a> {
    dal: &'a DAL,
    at: TaskStatus,
    in_pipeline: bool,
    first: Op,
    second: Op,
}

impl<'a> Case<'a> {
    fn new(dal: &'a DAL, at: TaskStatus, in_pipeline: bool, first: Op, second: Op) -> Self {
        Self {
            dal,
            at,
            in_pipeline,
            first,
            second,
        }
    }

    async fn check(self, db: &TestDatabase, door: Door) {
        let (first, second) = (self.first, self.second);
        let (worker, claim) = prepare(self.dal, self.at, self.in_pipeline).await;
        let mut state = State::of(self.at);
        if first == Op::Recover {
            Call::Expire.on(self.dal).await.unwrap();
            state.is_expired = true;
        }
        let calls = (first.call(&claim, &worker), second.call(&claim, &worker));
        let answer = match door {
            Door::Own => own(self.dal, &calls).await,
            Door::Joined => joined(db, self.dal, &calls).await,
        };
        assert_eq!(state.make(first), Answer::Done);
        let between = state.status;
        let mut right = vec![(state.make(second), state.status)];
        if matches!(second, Op::Claim | Op::Recover) {
            // It may take nothing.
            right.push((Answer::Done, between));
        }
        let task = claim.task_execution_id();
        let left = status(self.dal, task).await;
        let is_right = match said(&answer) {
            Some(said) => right.contains(&(said, left)),
            None => matches!(answer, Err(Error::Database(_))) && left == between,
        };
        assert!(
            is_right,
            "{first:?}, then {second:?}, of a task that is {}: {answer:?}, and it is {left}",
            self.at
        );
        let _ = self.dal.task_execution().cancel(task).await;
        self.dal.worker().deregister(worker).await.unwrap();
    }
}

const LOOK: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT FROM task_executions";

async fn own(dal: &DAL, (first, second): &(Call, Call)) -> Result<()> {
    dal.transaction(async |tx: &mut Tx<'_>| {
        tx.postgres()?.batch_execute(LOOK).await?;
        first.on(dal).await.unwrap();
        second.within(tx).await
    })
    .await
}

async fn joined(db: &TestDatabase, dal: &DAL, (first, second): &(Call, Call)) -> Result<()> {
    type Manager = <AsyncPgConnection as AsyncConnection>::TransactionManager;

    let mut connection = AsyncPgConnection::establish(&db.url()).await.unwrap();
    Manager::begin_transaction(&mut connection).await?;
    connection.batch_execute(LOOK).await?;
    first.on(dal).await.unwrap();
    let answer = second.within(&mut Tx::join(&mut connection)?).await;
    match answer {
        Ok(()) => Manager::commit_transaction(&mut connection).await?,
        Err(_) => Manager::rollback_transaction(&mut connection).await?,
    }
    answer
}
