//! Lists of tasks that overlap.

use taskbox_dal::DAL;
use taskbox_models::EventType;
use taskbox_test_support::TestDatabase;
use uuid::Uuid;

use crate::support::{
    call::Call,
    meeting::{Held, Waiting, meet},
    scene::{connect, pipeline, standalone, story, task_of},
};

taskbox_test_support::suite! {
    postgres: [
        lists_in_opposite_orders_do_not_deadlock,
        lists_of_several_pipelines_in_opposite_orders_do_not_deadlock,
        a_task_in_two_lists_moves_with_one_of_them,
    ],
}

/// Both lists wait, and if they were locked in the order given, then for different rows: the first to get its row
/// would go on to wait for the other list.
async fn lists_in_opposite_orders_do_not_deadlock(db: &TestDatabase) {
    let dal = connect(db).await;
    let (a, b) = (standalone(&dal).await, standalone(&dal).await);
    let held = Held::after(&dal, Call::Lock(b)).await;
    let first = Waiting::begin(db, &dal, Call::MarkReadyMany(vec![b, a]), 1).await;
    let second = Waiting::begin(db, &dal, Call::MarkReadyMany(vec![a, b]), 2).await;
    held.commit().await;
    first.end().await.unwrap();
    second.end().await.unwrap();
    assert_eq!(pending(&dal).await, [b, a]);
}

/// The same of pipelines, which are locked before the tasks.
async fn lists_of_several_pipelines_in_opposite_orders_do_not_deadlock(db: &TestDatabase) {
    let dal = connect(db).await;
    let (p, q) = (pipeline(&dal).await, pipeline(&dal).await);
    let (of_p, of_q) = (task_of(&dal, p).await, task_of(&dal, q).await);
    let (late_p, late_q) = (task_of(&dal, p).await, task_of(&dal, q).await);
    let held = Held::after(&dal, Call::Skip(late_q)).await;
    let first = Waiting::begin(db, &dal, Call::MarkReadyMany(vec![of_q, of_p]), 1).await;
    let second = Waiting::begin(db, &dal, Call::MarkReadyMany(vec![late_p, of_q]), 2).await;
    held.commit().await;
    first.end().await.unwrap();
    second.end().await.unwrap();
    assert_eq!(pending(&dal).await, [of_q, of_p, late_p]);
    for id in [p, q] {
        let events = story(&dal, id).await.2;
        let expected = [EventType::PipelineCreated, EventType::PipelineStarted];
        assert_eq!(events, expected);
    }
}

async fn a_task_in_two_lists_moves_with_one_of_them(db: &TestDatabase) {
    let dal = connect(db).await;
    let [a, b, c] = [
        standalone(&dal).await,
        standalone(&dal).await,
        standalone(&dal).await,
    ];
    let (first, second) = (vec![a, b], vec![c, b]);
    let (first, second) = (Call::MarkReadyMany(first), Call::MarkReadyMany(second));
    meet(db, &dal, first, second).await.unwrap();
    assert_eq!(pending(&dal).await, [a, b, c]);
}

async fn pending(dal: &DAL) -> Vec<Uuid> {
    let rows = dal.task_outbox().list_pending(10).await.unwrap();
    rows.iter().map(|row| row.task_execution_id).collect()
}
