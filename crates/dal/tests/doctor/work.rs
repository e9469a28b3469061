//! Who takes what is ready, and what nobody can run.

use std::time::Duration;

use taskbox_dal::DAL;
use taskbox_models::NewTaskExecution;
use taskbox_test_support::{Backend, TestDatabase};

use crate::support::{connect::connect, ready::ready, run::run};

taskbox_test_support::suite! {
    the_last_claim_of_each_queue_is_told,
    what_is_only_put_off_is_told,
}

const HOUR: Duration = Duration::from_hours(1);

async fn the_last_claim_of_each_queue_is_told(db: &TestDatabase) {
    let dal = connect(db).await;
    assert_eq!(dal.doctor().last_claims(99).await.unwrap(), []);
    let worker = dal.worker().register("w").await.unwrap();
    for queue in ["mail", "mail", "video"] {
        ready(&dal, NewTaskExecution::standalone("a").queue(queue)).await;
        assert_eq!(
            dal.task_execution().claim(&worker, 9).await.unwrap().len(),
            1
        );
    }
    ready(&dal, NewTaskExecution::standalone("a").queue("nobody")).await;
    let hour_ago = match db.backend() {
        Backend::Postgres => "created_at - interval '1 hour'",
        Backend::Sqlite => "created_at - 3600000000",
    };
    db.execute(&format!(
        "UPDATE execution_events SET created_at = {hour_ago} WHERE task_execution_id IN (
             SELECT id FROM task_executions WHERE queue = 'video'
         )"
    ))
    .await;
    let claims = dal.doctor().last_claims(99).await.unwrap();
    let queues: Vec<_> = claims
        .iter()
        .map(|it| (&*it.queue, it.ago >= HOUR))
        .collect();
    assert_eq!(queues, [("mail", false), ("video", true)]);
    // The newest two are of the one that nobody claims, the claim before is of the other.
    let few = dal.doctor().last_claims(3).await.unwrap();
    assert_eq!(few.len(), 1);
    assert_eq!(few[0].queue, "video");
}

async fn put_off(dal: &DAL, within: Duration) -> Vec<(String, i64, i64)> {
    let names = dal.doctor().put_off(within, 99).await.unwrap();
    let names = names.into_iter();
    names.map(|it| (it.task_name, it.tasks, it.times)).collect()
}

async fn what_is_only_put_off_is_told(db: &TestDatabase) {
    let dal = connect(db).await;
    let worker = dal.worker().register("w").await.unwrap();
    for (name, times) in [("unknown", 3), ("unknown", 1), ("known", 2)] {
        ready(&dal, NewTaskExecution::standalone(name)).await;
        for _ in 0..times {
            let claims = dal.task_execution().claim(&worker, 1).await.unwrap();
            dal.task_execution()
                .defer(&claims[0], Duration::ZERO)
                .await
                .unwrap();
        }
        // Out of the way of the next.
        db.execute(
            "UPDATE task_schedule SET due_at = (SELECT max(lease_expires_at) FROM task_workers)",
        )
        .await;
    }
    let told = put_off(&dal, HOUR).await;
    let expected = [("unknown".to_owned(), 2, 4), ("known".to_owned(), 1, 2)];
    assert_eq!(told, expected);
    assert_eq!(put_off(&dal, Duration::ZERO).await, []);
    // One of the name ended otherwise.
    let (_, claim) = run(&dal, NewTaskExecution::standalone("known")).await;
    dal.task_execution().fail(&claim, "no").await.unwrap();
    assert_eq!(put_off(&dal, HOUR).await, expected[..1]);
}
