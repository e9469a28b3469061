//! How tasks come back from workers that are gone.

use taskbox_dal::{DAL, Recovered};
use taskbox_models::{Claim, NewTaskExecution, Outcome, TaskStatus, Transition, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::{
    support::{connect::connect, ending::Ending, expire::expire, pipeline::pipeline, run::run},
    walk::Start,
};

taskbox_test_support::suite! {
    recover_makes_a_task_ready_again,
    recover_gives_a_task_up_at_the_cap,
    recover_leaves_what_a_living_worker_runs,
    recover_leaves_what_a_dead_worker_had_ended,
    deregistering_releases_what_runs,
    a_redriven_task_has_all_its_recoveries_before_it,
}

fn outcome(to: TaskStatus) -> &'static Outcome {
    let mut outcomes = Transition::Recover.rule().outcomes.iter();
    outcomes.find(|outcome| outcome.to == to).unwrap()
}

async fn running(dal: &DAL, pipeline: Option<Uuid>) -> (Worker, Claim) {
    let mut new = NewTaskExecution::standalone("a");
    new.pipeline_execution_id = pipeline;
    run(dal, new).await
}

async fn walk(db: &TestDatabase, max_recoveries: i32, to: TaskStatus) {
    let settings = DAL::builder(db.url()).max_recoveries(max_recoveries);
    let dal = settings.connect().await.unwrap();
    for pipeline in [None, Some(pipeline(&dal).await)] {
        let (worker, claim) = running(&dal, pipeline).await;
        let task = claim.task_execution_id();
        expire(db, &worker).await;
        let start = Start::of(&dal, task).await;
        let answer = dal.task_execution().recover_expired(10).await.unwrap();
        let mut expected = Recovered::default();
        match to {
            TaskStatus::Ready => expected.recovered.push(task),
            _ => expected.abandoned.push(task),
        }
        assert_eq!(answer, expected);
        start.assert_led(db, &dal, outcome(to), worker.id).await;
        assert_eq!(db.query_i64("SELECT count(*) FROM task_workers").await, 0);
    }
}

async fn recover_makes_a_task_ready_again(db: &TestDatabase) {
    walk(db, 1, TaskStatus::Ready).await;
}

async fn recover_gives_a_task_up_at_the_cap(db: &TestDatabase) {
    walk(db, 0, TaskStatus::Failed).await;
}

async fn recover_leaves_what_a_living_worker_runs(db: &TestDatabase) {
    let dal = connect(db).await;
    running(&dal, None).await;
    let before = db.dump().await;
    let answer = dal.task_execution().recover_expired(10).await.unwrap();
    assert_eq!(answer, Recovered::default());
    assert_eq!(db.dump().await, before);
}

async fn recover_leaves_what_a_dead_worker_had_ended(db: &TestDatabase) {
    let dal = connect(db).await;
    for ending in Ending::ALL {
        let new = NewTaskExecution::standalone("a").max_attempts(ending.max_attempts());
        let (worker, claim) = run(&dal, new).await;
        ending.on(&dal, &claim).await.unwrap();
        let before = db.dump().await;
        expire(db, &worker).await;
        let answer = dal.task_execution().recover_expired(10).await.unwrap();
        assert_eq!(answer, Recovered::default());
        let mut after = db.dump().await;
        assert_eq!(after["task_workers"].len(), 0, "it is forgotten");
        after.insert("task_workers", before["task_workers"].clone());
        assert_eq!(after, before, "{ending:?}");
    }
}

async fn deregistering_releases_what_runs(db: &TestDatabase) {
    let dal = connect(db).await;
    for pipeline in [None, Some(pipeline(&dal).await)] {
        let (worker, claim) = running(&dal, pipeline).await;
        let start = Start::of(&dal, claim.task_execution_id()).await;
        dal.worker().deregister(worker).await.unwrap();
        let [released] = Transition::Release.rule().outcomes else {
            panic!("release has one outcome");
        };
        start.assert_led(db, &dal, released, Uuid::nil()).await;
        assert_eq!(db.query_i64("SELECT count(*) FROM task_workers").await, 0);
    }
}

async fn a_redriven_task_has_all_its_recoveries_before_it(db: &TestDatabase) {
    let settings = DAL::builder(db.url()).max_recoveries(1);
    let dal = settings.connect().await.unwrap();
    let (worker, claim) = running(&dal, None).await;
    let task = claim.task_execution_id();
    expire(db, &worker).await;
    let answer = dal.task_execution().recover_expired(1).await.unwrap();
    assert_eq!(answer.recovered, [task]);
    let worker = dal.worker().register("w").await.unwrap();
    let claims = dal.task_execution().claim(&worker, 1).await.unwrap();
    Ending::Fail.on(&dal, &claims[0]).await.unwrap();
    let start = Start::of(&dal, task).await;
    dal.task_execution().redrive(task).await.unwrap();
    let redriven = &Transition::Redrive.rule().outcomes[0];
    start.assert_led(db, &dal, redriven, Uuid::nil()).await;
    let redriven = dal.task_execution().get(task).await.unwrap();
    assert_eq!((redriven.attempt, redriven.recoveries), (0, 0));
}
