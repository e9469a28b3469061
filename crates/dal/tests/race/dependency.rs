//! Calls on tasks of one graph, every two of them, in both orders: as if one had been made after the other.

use taskbox_dal::DAL;
use taskbox_models::{Claim, NewTaskExecution, RunWhen, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    end::{End, assert_whole, said},
    support::{
        call::Call,
        meeting::{Held, Way},
        scene::{connect, pipeline, task_of},
    },
};

taskbox_test_support::suite! {
    both: [
        who_meets_the_end_of_a_dependency_finds_what_it_left,
        who_meets_a_redrive_finds_what_it_left,
        who_meets_a_call_on_a_task_that_waits_finds_what_it_left,
    ],
}

/// Two tasks run, `a` and `b`; `both` waits for them, `after_both` for that, and `any` for the end of `a`. A third has
/// failed, and `skipped` was skipped because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    CancelA,
    CancelBoth,
    CompleteA,
    CompleteB,
    CreateAfterA,
    CreateAfterFailed,
    FailA,
    FailB,
    RedriveFailed,
    RetryA,
    SkipAny,
    SkipBoth,
}

const ENDS: [Op; 5] = [
    Op::CompleteA,
    Op::CompleteB,
    Op::FailA,
    Op::FailB,
    Op::CancelA,
];
const REDRIVES: [Op; 2] = [Op::RedriveFailed, Op::CreateAfterFailed];
const WAITING: [Op; 5] = [
    Op::CancelBoth,
    Op::CreateAfterA,
    Op::RetryA,
    Op::SkipAny,
    Op::SkipBoth,
];

struct Scene {
    pipeline: Uuid,
    worker: Worker,
    a: Claim,
    b: Claim,
    both: Uuid,
    any: Uuid,
    failed: Uuid,
}

impl Scene {
    async fn new(dal: &DAL) -> Self {
        let tasks = || dal.task_execution();
        let pipeline = pipeline(dal).await;
        let mut roots = Vec::new();
        for _ in 0..3 {
            roots.push(task_of(dal, pipeline).await);
        }
        let after = async |dependencies: &[Uuid], run_when| {
            let new = NewTaskExecution::new(pipeline, "t").after(dependencies);
            tasks().create(new.run_when(run_when)).await.unwrap().id
        };
        let both = after(&roots[..2], RunWhen::AllCompleted).await;
        after(&[both], RunWhen::AllCompleted).await;
        let any = after(&roots[..1], RunWhen::AllDone).await;
        after(&roots[2..], RunWhen::AllCompleted).await;
        let started = tasks().mark_ready_many(&roots).await.unwrap();
        assert_eq!(started.moved, roots);
        let worker = dal.worker().register("w").await.unwrap();
        let claims = tasks().claim(&worker, 3).await.unwrap();
        let [a, b, failed] = <[Claim; 3]>::try_from(claims).unwrap();
        tasks().fail(&failed, "broken").await.unwrap();
        Self {
            pipeline,
            worker,
            a,
            b,
            both,
            any,
            failed: failed.task_execution_id(),
        }
    }

    fn call(&self, op: Op) -> Call {
        let a = self.a.task_execution_id();
        match op {
            Op::CancelA => Call::Cancel(a),
            Op::CancelBoth => Call::Cancel(self.both),
            Op::CompleteA => Call::Complete(self.a.clone()),
            Op::CompleteB => Call::Complete(self.b.clone()),
            Op::CreateAfterA => Call::CreateAfter(self.pipeline, a),
            Op::CreateAfterFailed => Call::CreateAfter(self.pipeline, self.failed),
            Op::FailA => Call::Fail(self.a.clone()),
            Op::FailB => Call::Fail(self.b.clone()),
            Op::RedriveFailed => Call::Redrive(self.failed),
            Op::RetryA => Call::Retry(self.a.clone()),
            Op::SkipAny => Call::Skip(self.any),
            Op::SkipBoth => Call::Skip(self.both),
        }
    }

    async fn end(self, dal: &DAL, said: Vec<String>) -> End {
        End::of(dal, self.pipeline, self.worker, said).await
    }
}

async fn meet_all(db: &TestDatabase, firsts: &[Op]) {
    let (one, other) = (connect(db).await, connect(db).await);
    for first in firsts.iter().copied() {
        for second in [&ENDS[..], &REDRIVES, &WAITING].concat() {
            let mut answers = Vec::new();
            let scene = Scene::new(&one).await;
            for op in [first, second] {
                answers.push(said(&scene.call(op).on(&one).await));
            }
            let serial = scene.end(&one, answers).await;

            let scene = Scene::new(&one).await;
            let held = Held::after(&one, scene.call(first)).await;
            let _ = other.faults().take_reached();
            let (way, answer) = held.meet(db, &other, scene.call(second)).await;
            assert_whole(db).await;
            let answers = vec!["done".to_owned(), said(&answer)];
            let end = scene.end(&one, answers).await;
            let what = format!("{first:?}, then {second:?}");
            assert_eq!(end, serial, "{what}");
            assert_eq!(way, Way::Waited, "{what}");
        }
    }
}

async fn who_meets_the_end_of_a_dependency_finds_what_it_left(db: &TestDatabase) {
    meet_all(db, &ENDS).await;
}

async fn who_meets_a_redrive_finds_what_it_left(db: &TestDatabase) {
    meet_all(db, &REDRIVES).await;
}

async fn who_meets_a_call_on_a_task_that_waits_finds_what_it_left(db: &TestDatabase) {
    meet_all(db, &WAITING).await;
}
