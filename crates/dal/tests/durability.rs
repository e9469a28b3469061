//! What a handle says of the settings by which its database keeps commits.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod own_pool;
}

use taskbox_dal::{DAL, Durability};
use taskbox_test_support::{TestDatabase, canary};

taskbox_test_support::suite! {
    postgres: [a_risk_of_the_server_is_said_once_for_a_handle],
    sqlite: [a_file_keeps_what_was_committed],
}

/// How many warnings there were. No file adds to them: it has no risks.
fn said() -> usize {
    canary::warnings("").len()
}

/// The server of the tests has every risk.
async fn a_risk_of_the_server_is_said_once_for_a_handle(db: &TestDatabase) {
    let before = said();
    let dal = DAL::connect(db.url()).await.unwrap();
    let risks = dal.durability().await.unwrap().risks().len();
    assert_eq!(risks, 3);
    // With a second connection.
    dal.transaction(async |tx| {
        tx.task_outbox().count_pending().await?;
        dal.task_outbox().count_pending().await.map(drop)
    })
    .await
    .unwrap();
    assert_eq!(said() - before, risks);

    let url = format!("{}&options=-c%20synchronous_commit%3Dlocal", db.url());
    let dal = DAL::connect(url).await.unwrap();
    let durability = dal.durability().await.unwrap();
    let expected = Durability::Postgres {
        fsync: false,
        full_page_writes: false,
        synchronous_commit: "local".to_owned(),
    };
    assert_eq!(durability, expected);
    assert_eq!(said() - before, risks + 2);
}

async fn a_file_keeps_what_was_committed(db: &TestDatabase) {
    let expected = Durability::Sqlite {
        journal_mode: "wal".to_owned(),
        synchronous: 2,
    };
    let dal = DAL::connect(db.url()).await.unwrap();
    assert_eq!(dal.durability().await.unwrap(), expected);
    let dal = DAL::from_pool(support::own_pool::pool(db, 1));
    assert_eq!(dal.durability().await.unwrap(), expected);
}
