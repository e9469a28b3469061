//! What a handle says of the settings by which its database keeps commits.

#![cfg(all(feature = "postgres", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support {
    pub(crate) mod own_pool;
}

use std::sync::{
    Once,
    atomic::{AtomicUsize, Ordering},
};

use taskbox_dal::{DAL, Durability};
use taskbox_test_support::TestDatabase;
use tracing::{Event, Level, Metadata, Subscriber, span};

taskbox_test_support::suite! {
    postgres: [a_risk_of_the_server_is_said_once_for_a_handle],
    sqlite: [a_file_keeps_what_was_committed],
}

/// Counts the warnings.
struct Warnings;

static WARNINGS: AtomicUsize = AtomicUsize::new(0);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, _: &Event<'_>) {
        WARNINGS.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Warnings).unwrap());
}

/// The server of the tests has every risk. No file adds to the count: they have none.
async fn a_risk_of_the_server_is_said_once_for_a_handle(db: &TestDatabase) {
    listen();
    let before = WARNINGS.load(Ordering::SeqCst);
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
    assert_eq!(WARNINGS.load(Ordering::SeqCst) - before, risks);

    let url = format!("{}&options=-c%20synchronous_commit%3Dlocal", db.url());
    let dal = DAL::connect(url).await.unwrap();
    let durability = dal.durability().await.unwrap();
    let expected = Durability::Postgres {
        fsync: false,
        full_page_writes: false,
        synchronous_commit: "local".to_owned(),
    };
    assert_eq!(durability, expected);
    assert_eq!(WARNINGS.load(Ordering::SeqCst) - before, risks + 2);
}

async fn a_file_keeps_what_was_committed(db: &TestDatabase) {
    listen();
    let expected = Durability::Sqlite {
        journal_mode: "wal".to_owned(),
        synchronous: 2,
    };
    let dal = DAL::connect(db.url()).await.unwrap();
    assert_eq!(dal.durability().await.unwrap(), expected);
    let dal = DAL::from_pool(support::own_pool::pool(db, 1));
    assert_eq!(dal.durability().await.unwrap(), expected);
}
