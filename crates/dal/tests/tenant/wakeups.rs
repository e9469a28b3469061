//! What becomes ready in one tenant is heard in that one alone.

use std::time::Duration;

use futures_util::FutureExt;
use taskbox_dal::{DAL, Wakeups};
use taskbox_test_support::TestDatabase;

use crate::{support::task, tenant, unmigrated};

taskbox_test_support::suite! {
    postgres: [
        what_becomes_ready_in_one_tenant_is_heard_in_that_one_alone,
        a_tenant_that_waits_for_its_tables_hears_once_they_are_there,
    ],
}

const HOUR: Duration = Duration::from_hours(1);

/// Once it hears of other programs.
async fn hearing(dal: &DAL) -> Wakeups {
    let mut wakeups = dal.wakeups();
    while !wakeups.hears_others() {
        wakeups.next().await;
    }
    while wakeups.next().now_or_never().is_some() {}
    wakeups
}

async fn make_ready(dal: &DAL) {
    let task = task::create(dal).await;
    dal.task_execution().mark_ready(task).await.unwrap();
}

/// What is said last in a tenant is for later, so that whoever hears only that has heard of nothing else.
async fn what_becomes_ready_in_one_tenant_is_heard_in_that_one_alone(db: &TestDatabase) {
    let public = DAL::connect(db.url()).await.unwrap();
    let (a, b) = (tenant(db, "tenant_a").await, tenant(db, "tenant_b").await);
    let elsewhere = [unmigrated(db, "tenant_a").await, public.clone()];
    let mut sleepers = [hearing(&elsewhere[0]).await, hearing(&elsewhere[1]).await];
    let mut sleeper = hearing(&unmigrated(db, "tenant_b").await).await;
    for _ in 0..5 {
        make_ready(&b).await;
        while !sleeper.next().await.is_zero() {}
    }
    b.announced().await;
    for (dal, sleeper) in [&a, &DAL::connect(db.url()).await.unwrap()]
        .into_iter()
        .zip(&mut sleepers)
    {
        let task = task::create(dal).await;
        dal.task_execution().schedule(task, HOUR).await.unwrap();
        let heard = sleeper.next().await;
        assert!(heard > HOUR / 2, "{heard:?}");
    }
}

async fn a_tenant_that_waits_for_its_tables_hears_once_they_are_there(db: &TestDatabase) {
    let dal = unmigrated(db, "tenant_a").await;
    let mut wakeups = dal.wakeups();
    let migrated = tenant(db, "tenant_a").await;
    while !wakeups.hears_others() {
        wakeups.next().await;
    }
    while wakeups.next().now_or_never().is_some() {}
    make_ready(&migrated).await;
    while !wakeups.next().await.is_zero() {}
}
