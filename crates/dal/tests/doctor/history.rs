//! Events that came from another server.

use taskbox_models::NewTaskExecution;
use taskbox_test_support::{Backend, TestDatabase};

use crate::support::{connect::connect, ready::ready};

taskbox_test_support::suite! {
    both: [events_of_this_server_are_its_own],
    postgres: [events_of_another_server_are_adopted],
}

async fn events_of_this_server_are_its_own(db: &TestDatabase) {
    let dal = connect(db).await;
    ready(&dal, NewTaskExecution::standalone("a")).await;
    let before = db.dump().await;
    assert_eq!(dal.doctor().foreign_events(99).await.unwrap(), 0);
    assert_eq!(dal.doctor().adopt_events(99).await.unwrap(), 0);
    assert_eq!(db.dump().await, before);
    // Those of this very transaction, too.
    dal.transaction(async |tx| {
        let new = NewTaskExecution::standalone("b");
        tx.task_execution().create(new).await?;
        assert_eq!(tx.doctor().foreign_events(99).await?, 0);
        assert_eq!(tx.doctor().adopt_events(99).await?, 0);
        Ok::<_, taskbox_dal::Error>(())
    })
    .await
    .unwrap();
    assert_eq!(db.backend() == Backend::Sqlite, numbers(db).await == 0);
}

async fn numbers(db: &TestDatabase) -> i64 {
    db.query_i64("SELECT count(*) FROM execution_events WHERE transaction_id > 0")
        .await
}

async fn events_of_another_server_are_adopted(db: &TestDatabase) {
    let dal = connect(db).await;
    for _ in 0..2 {
        ready(&dal, NewTaskExecution::standalone("a")).await;
    }
    db.execute(
        "UPDATE execution_events SET transaction_id = transaction_id + 1000000000 WHERE id > 1",
    )
    .await;
    let foreign = async |limit| dal.doctor().foreign_events(limit).await.unwrap();
    assert_eq!((foreign(99).await, foreign(2).await), (3, 2));
    assert_eq!(dal.doctor().adopt_events(2).await.unwrap(), 2);
    assert_eq!(foreign(99).await, 1);
    assert_eq!(dal.doctor().adopt_events(99).await.unwrap(), 1);
    assert_eq!((foreign(99).await, numbers(db).await), (0, 1));
}
