//! How often a call waits for the server: as often for ten thousand tasks as for a few.

use crate::support::{one_thread::on_one_thread, pipeline::pipeline, proxy::Proxy, task};
use diesel_async::SimpleAsyncConnection;
use taskbox_dal::DAL;
use taskbox_models::{Claim, NewTaskExecution, Worker};
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

taskbox_test_support::suite! {
    postgres: [
        a_transition_takes_two_round_trips,
        a_session_is_put_back_without_a_round_trip,
        a_transition_of_ten_thousand_tasks_takes_three_round_trips,
        a_wide_fan_takes_the_round_trips_of_a_narrow_one,
    ],
}

const MANY: usize = 10_000;

/// With one connection, so that what has run once runs from the statements that it keeps.
async fn connect(db: &TestDatabase) -> (Proxy, DAL) {
    let proxy = Proxy::before(&db.url());
    let dal = DAL::builder(proxy.url()).pool_size(1).connect();
    let dal = dal.await.unwrap();
    (proxy, dal)
}

/// BEGIN with the one statement, and COMMIT. On one thread, so that what is sent without a wait comes together.
async fn a_transition_takes_two_round_trips(db: &TestDatabase) {
    on_one_thread(async {
        let (proxy, dal) = connect(db).await;
        let worker = dal.worker().register("w").await.unwrap();
        let mut round_trips = [0; 4];
        for _ in 0..2 {
            let tasks = dal.task_execution();
            proxy.take_round_trips();
            let task = task::create(&dal).await;
            round_trips[0] = proxy.take_round_trips();
            tasks.mark_ready(task).await.unwrap();
            round_trips[1] = proxy.take_round_trips();
            let claims = tasks.claim(&worker, 1).await.unwrap();
            round_trips[2] = proxy.take_round_trips();
            tasks.complete(&claims[0], None).await.unwrap();
            round_trips[3] = proxy.take_round_trips();
        }
        assert_eq!(round_trips, [2; 4]);
    });
}

/// BEGIN, a statement of each, COMMIT. On one thread, so that what is sent without a wait comes together.
async fn a_session_is_put_back_without_a_round_trip(db: &TestDatabase) {
    on_one_thread(async {
        let (proxy, dal) = connect(db).await;
        for _ in 0..3 {
            let task = task::create(&dal).await;
            proxy.take_round_trips();
            dal.transaction(async |tx| {
                tx.postgres()?.batch_execute("SELECT 1").await?;
                tx.task_execution().mark_ready(task).await
            })
            .await
            .unwrap();
        }
        assert_eq!(proxy.take_round_trips(), 4);
    });
}

async fn a_transition_of_ten_thousand_tasks_takes_three_round_trips(db: &TestDatabase) {
    // The invariants of so many take longer than all else here.
    db.is_broken_on_purpose();
    let (proxy, dal) = connect(db).await;
    let tasks = vec![NewTaskExecution::standalone("ship"); MANY];
    let tasks = dal.task_execution().create_many(tasks).await.unwrap();
    let tasks: Vec<Uuid> = tasks.iter().map(|task| task.id).collect();
    let (warm_up, tasks) = tasks.split_at(2);
    let warmed = dal.task_execution().mark_ready_many(warm_up).await.unwrap();
    assert_eq!(warmed.moved, warm_up);
    proxy.take_round_trips();
    let moved = dal.task_execution().mark_ready_many(tasks).await.unwrap();
    assert_eq!(proxy.take_round_trips(), 3);
    assert_eq!(moved.moved, tasks);
    assert_eq!(
        dal.task_outbox().count_pending().await.unwrap(),
        i64::try_from(tasks.len() + warm_up.len()).unwrap()
    );
}

async fn a_wide_fan_takes_the_round_trips_of_a_narrow_one(db: &TestDatabase) {
    db.is_broken_on_purpose();
    let (proxy, dal) = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    let warm_up = 2;
    go_through(&proxy, &dal, &worker, warm_up).await;
    let narrow = go_through(&proxy, &dal, &worker, 3).await;
    let wide = go_through(&proxy, &dal, &worker, MANY).await;
    assert_eq!(wide, narrow);
}

/// The round trips of making a fan, of its first end, which readies all in the middle, and of the end of those, which
/// readies the last.
async fn go_through(proxy: &Proxy, dal: &DAL, worker: &Worker, width: usize) -> [usize; 3] {
    let tasks = fan(pipeline(dal).await, width);
    let first = tasks[0].id.unwrap();
    proxy.take_round_trips();
    dal.task_execution().create_many(tasks).await.unwrap();
    let made = proxy.take_round_trips();
    dal.task_execution().mark_ready(first).await.unwrap();
    let out = complete_all(proxy, dal, worker, 1).await;
    let middle = complete_all(proxy, dal, worker, width).await;
    complete_all(proxy, dal, worker, 1).await;
    [made, out, middle]
}

/// The round trips in which so many tasks, which are all that is ready, complete.
async fn complete_all(proxy: &Proxy, dal: &DAL, worker: &Worker, tasks: usize) -> usize {
    let limit = i64::try_from(tasks).unwrap() + 1;
    let claims: Vec<Claim> = dal.task_execution().claim(worker, limit).await.unwrap();
    assert_eq!(claims.len(), tasks);
    let claims: Vec<_> = claims.into_iter().map(|claim| (claim, None)).collect();
    proxy.take_round_trips();
    let ended = dal.task_execution().complete_many(&claims).await.unwrap();
    assert_eq!(ended.moved.len(), tasks);
    proxy.take_round_trips()
}

fn fan(pipeline: Uuid, width: usize) -> Vec<NewTaskExecution> {
    let new = || NewTaskExecution::new(pipeline, "step").id(Uuid::now_v7());
    let mut tasks = vec![new()];
    let first = tasks[0].id.unwrap();
    tasks.extend((0..width).map(|_| new().after(&[first])));
    let middle: Vec<Uuid> = tasks[1..].iter().filter_map(|task| task.id).collect();
    tasks.push(new().after(&middle));
    tasks
}
